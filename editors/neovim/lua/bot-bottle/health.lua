--- `:checkhealth bot-bottle`
local M = {}

local function program()
  local config = vim.lsp.config and vim.lsp.config.bot_bottle or require('bot-bottle').config()
  return type(config.cmd) == 'table' and config.cmd[1] or 'bot-bottle'
end

local function check_program()
  local name = program()
  local path = vim.fn.exepath(name)
  if path == '' then
    vim.health.error(name .. ' is not on PATH', {
      'Install it: cargo install bot-bottle',
      "or name it: require('bot-bottle').setup({ cmd = { '/path/to/bot-bottle', 'lsp' } })",
    })
    return
  end
  local version = vim.trim(vim.fn.system({ path, '--version' }))
  if vim.v.shell_error == 0 then
    vim.health.ok(('%s (%s)'):format(version, path))
  else
    vim.health.error(('%s --version fails: %s'):format(path, version))
  end
end

local function check_enabled()
  if vim.lsp.is_enabled and vim.lsp.is_enabled('bot_bottle') then
    vim.health.ok('the server is enabled')
  elseif #vim.api.nvim_get_autocmds({ event = 'FileType', pattern = 'bottle' }) > 0 then
    vim.health.ok('the server starts with the first bottle')
  else
    vim.health.warn('the server is not enabled', { "Call require('bot-bottle').setup() in your init.lua" })
  end
  for _, client in ipairs(vim.lsp.get_clients({ name = 'bot_bottle' })) do
    vim.health.info(('running for %s'):format(client.config.root_dir or 'single files'))
  end
end

local function check_filetypes()
  for file, want in pairs({ ['a.bottle.yaml'] = 'bottle', ['/x/.bot-bottle/agents/a.md'] = 'bottle-markdown' }) do
    local got = vim.filetype.match({ filename = file })
    if got == want then
      vim.health.ok(('%s is a %s'):format(file, want))
    else
      vim.health.error(('%s is taken for %s, not for %s'):format(file, tostring(got), want), {
        'Put this plugin on the runtimepath before `:filetype on`, and look for another plugin that claims the name',
      })
    end
  end
end

function M.check()
  vim.health.start('bot-bottle')
  if vim.fn.has('nvim-0.10') == 0 then
    vim.health.error('Neovim 0.10 or later is needed')
    return
  end
  check_program()
  check_enabled()
  check_filetypes()
end

return M
