-- From an agent to its bottle, and a bottle's new name in every file that says it.
package.path = vim.env.TEST_ROOT .. '/tests/editors/neovim/?.lua;' .. package.path
local t = require('lib')

local bottles = t.home .. '/.bot-bottle/bottles/'

t.test('definition jumps from an agent to its bottle', function()
  t.open(t.home .. '/.bot-bottle/agents/researcher.md')
  t.go_to('dev')
  vim.lsp.buf.definition()
  t.wait('the bottle', function()
    return vim.api.nvim_buf_get_name(0) == bottles .. 'dev.md'
  end)
end)

t.test('references find the agents of the workspace and of the user, and children', function()
  local _, client = t.open(t.workspace .. '/writer.agent.yaml')
  t.go_to('dev')
  local found = t.ask(client, 'textDocument/references', { context = { includeDeclaration = false } })
  local files = {}
  for _, location in ipairs(found or {}) do
    files[vim.fs.basename(vim.uri_to_fname(location.uri))] = true
  end
  t.equal(files, {
    ['researcher.md'] = true,
    ['nightly.md'] = true,
    ['reviewer.md'] = true,
    ['writer.agent.yaml'] = true,
  }, 'the files')
end)

t.test('rename changes every agent and child, and the file', function()
  t.open(t.workspace .. '/writer.agent.yaml')
  t.go_to('dev')
  vim.lsp.buf.rename('lab')
  t.wait('the renamed agent', function()
    return t.text():find('bottle: lab', 1, true)
  end)
  t.wait('the renamed bottle', function()
    return vim.uv.fs_stat(bottles .. 'lab.md') and not vim.uv.fs_stat(bottles .. 'dev.md')
  end)
  vim.cmd('silent wall')
  for path, want in pairs({
    [t.home .. '/.bot-bottle/agents/researcher.md'] = 'bottle: lab',
    [t.workspace .. '/.bot-bottle/agents/reviewer.md'] = 'bottle: lab',
    [bottles .. 'nightly.md'] = 'extends: lab',
    [t.home .. '/.bot-bottle/agents/watcher.md'] = 'bottle: nightly',
  }) do
    t.contains(t.read(path), want)
  end
end)

t.finish()
