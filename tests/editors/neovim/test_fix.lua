-- A finding at its place, its fix, and a clean buffer, in both carriers.
package.path = vim.env.TEST_ROOT .. '/tests/editors/neovim/?.lua;' .. package.path
local t = require('lib')

--- The findings of the buffer, once there is one of `code`.
local function findings(buffer, code)
  return t.wait('the finding ' .. code, function()
    local all = vim.diagnostic.get(buffer)
    return vim.iter(all):any(function(d)
      return d.code == code
    end) and all
  end)
end

local function marked(buffer, d)
  return table.concat(vim.api.nvim_buf_get_text(buffer, d.lnum, d.col, d.end_lnum, d.end_col, {}), '\n')
end

local function fixes(path, line, expected)
  local buffer = t.open(path)
  local all = findings(buffer, 'unknown-role')
  t.equal(#all, 1, 'the number of findings')
  t.equal({ all[1].lnum, all[1].col }, { line, 6 }, 'line and column')
  t.equal(marked(buffer, all[1]), 'role: claude_code_oauth', 'what is underlined')
  t.equal(all[1].severity, vim.diagnostic.severity.ERROR, 'severity')

  vim.api.nvim_win_set_cursor(0, { line + 1, 14 })
  vim.lsp.buf.code_action({
    apply = true,
    filter = function(action)
      return action.isPreferred
    end,
  })
  t.wait('the fix', function()
    return t.text(buffer):find('auth_token: BOT_BOTTLE_CLAUDE_OAUTH_TOKEN', 1, true)
  end)
  t.equal(t.text(buffer), t.read(t.fixtures .. '/expected/' .. expected), 'the fixed text')
  t.wait('a clean buffer', function()
    return #vim.diagnostic.get(buffer) == 0
  end)
end

t.test('a YAML bottle is fixed', function()
  fixes(t.workspace .. '/claude.bottle.yaml', 10, 'claude.bottle.yaml')
end)

t.test('a Markdown bottle is fixed', function()
  fixes(t.home .. '/.bot-bottle/bottles/old.md', 11, 'old.md')
end)

-- The route first in the file: what is inserted stands where what is removed begins.
t.test('a role in the first lines is fixed, and nothing else is lost', function()
  local path = t.workspace .. '/first.bottle.yaml'
  local role = 'egress:\n  routes:\n    - host: api.anthropic.com\n'
    .. '      auth: {scheme: Bearer, token_ref: BOT_BOTTLE_CLAUDE_OAUTH_TOKEN}\n      role: claude_code_oauth\n'
  local expected = 'agent_provider:\n  auth_token: BOT_BOTTLE_CLAUDE_OAUTH_TOKEN\n'
  for rest, left in pairs({
    ['    - host: api.github.com\nenv:\n  LOG_LEVEL: debug\n'] = 'egress:\n  routes:\n    - host: api.github.com\nenv:\n  LOG_LEVEL: debug\n',
    ['env:\n  LOG_LEVEL: debug\n'] = 'env:\n  LOG_LEVEL: debug\n',
    [''] = '',
  }) do
    local file = assert(io.open(path, 'w'))
    file:write(role .. rest)
    file:close()
    local buffer = t.open(path)
    vim.cmd('edit!')
    findings(buffer, 'unknown-role')
    vim.api.nvim_win_set_cursor(0, { 5, 14 })
    vim.lsp.buf.code_action({
      apply = true,
      filter = function(action)
        return action.isPreferred
      end,
    })
    t.wait('the fix', function()
      return not t.text(buffer):find('role:', 1, true)
    end)
    t.equal(t.text(buffer), expected .. left, 'the fixed text')
    vim.cmd('bwipeout!')
  end
end)

t.test('fix_all fixes what it may, before a write', function()
  local path = t.workspace .. '/copy.bottle.yaml'
  vim.uv.fs_copyfile(t.fixtures .. '/workspace/claude.bottle.yaml', path)
  local buffer = t.open(path)
  findings(buffer, 'unknown-role')
  require('bot-bottle').fix_all(buffer)
  t.equal(t.text(buffer), t.read(t.fixtures .. '/expected/claude.bottle.yaml'), 'the fixed text')
end)

t.test('wide characters before it move no finding', function()
  local buffer = t.open(t.workspace .. '/wide.bottle.yaml')
  local found = vim.iter(findings(buffer, 'unknown-role')):find(function(d)
    return d.code == 'unknown-role'
  end)
  t.equal(marked(buffer, found), 'role: claude_code_oauth', 'what is underlined')
end)

t.finish()
