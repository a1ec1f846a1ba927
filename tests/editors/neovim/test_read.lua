-- Hover, completion, highlighting and the health check.
package.path = vim.env.TEST_ROOT .. '/tests/editors/neovim/?.lua;' .. package.path
local t = require('lib')

t.test('hover shows the plan', function()
  t.open(t.home .. '/.bot-bottle/bottles/dev.md')
  t.go_to('agent_provider')
  vim.lsp.buf.hover()
  local plan = t.wait('the hover', t.float)
  t.contains(plan, 'api.anthropic.com')
  t.contains(plan, 'api.github.com')
  vim.cmd('fclose')
end)

t.test('hover on an agent shows its bottle', function()
  t.open(t.workspace .. '/writer.agent.yaml')
  t.go_to('bottle')
  vim.lsp.buf.hover()
  t.contains(t.wait('the hover', t.float), 'api.anthropic.com')
  vim.cmd('fclose')
end)

t.test('completion knows the fields of agent_provider', function()
  local buffer, client = t.open(t.workspace .. '/new.bottle.yaml')
  vim.api.nvim_buf_set_lines(buffer, 0, -1, true, { 'agent_provider:', '  ' })
  vim.api.nvim_win_set_cursor(0, { 2, 2 })
  local answer = t.ask(client, 'textDocument/completion') or {}
  local labels = vim.iter(answer.items or answer):map(function(item)
    return item.label
  end):totable()
  for _, want in ipairs({ 'template', 'auth_token' }) do
    if not vim.list_contains(labels, want) then
      error(('%s is not among %s'):format(want, vim.inspect(labels)), 0)
    end
  end
  vim.cmd('bdelete!')
end)

t.test('files have their own filetypes', function()
  for path, want in pairs({
    [t.workspace .. '/claude.bottle.yaml'] = 'bottle',
    [t.workspace .. '/writer.agent.yaml'] = 'bottle',
    [t.workspace .. '/.bot-bottle/agents/reviewer.md'] = 'bottle-markdown',
    [t.workspace .. '/compose.yaml'] = 'yaml',
    [t.workspace .. '/README.md'] = 'markdown',
  }) do
    t.equal(vim.filetype.match({ filename = path }), want, path)
  end
end)

t.test('both carriers are highlighted without a parser', function()
  local function group(text)
    t.go_to(text)
    local at = vim.api.nvim_win_get_cursor(0)
    return vim.fn.synIDattr(vim.fn.synID(at[1], at[2] + 1, true), 'name')
  end
  t.open(t.workspace .. '/claude.bottle.yaml')
  t.equal(group('agent_provider'), 'yamlBlockMappingKey', 'a key')
  t.open(t.home .. '/.bot-bottle/bottles/dev.md')
  t.equal(group('agent_provider'), 'yamlBlockMappingKey', 'a key in the frontmatter')
end)

t.test(':checkhealth says that all is there', function()
  t.open(t.workspace .. '/claude.bottle.yaml')
  vim.cmd('checkhealth bot-bottle')
  local report = t.text()
  t.contains(report, vim.lsp.enable and 'the server is enabled' or 'the server starts')
  t.contains(report, 'running for ' .. t.workspace)
  if report:find('ERROR') or report:find('WARNING') then
    error(report, 0)
  end
end)

t.finish()
