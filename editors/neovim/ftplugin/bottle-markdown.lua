vim.bo.expandtab = true
vim.bo.shiftwidth = 2
vim.bo.softtabstop = 2
vim.b.undo_ftplugin = 'setlocal expandtab< shiftwidth< softtabstop<'
-- The Markdown parser alone would leave the frontmatter without colours.
if #vim.api.nvim_get_runtime_file('parser/yaml.*', false) > 0 then
  pcall(vim.treesitter.start, 0, 'markdown')
end
