--- What every Neovim test needs: the plugin as a user has it, waiting for conditions, and a verdict.
local M = {}

local env = vim.env
M.home = env.HOME
M.workspace = env.TEST_WORKSPACE
M.fixtures = env.TEST_ROOT .. '/tests/editors/fixtures'

vim.opt.runtimepath:append(env.TEST_ROOT .. '/editors/neovim')
vim.cmd('filetype plugin indent on')
vim.cmd('syntax on')
-- With an init.lua both are loaded by themselves; a script given by -l comes too late for that.
vim.cmd('runtime! ftdetect/bottle.lua plugin/bot-bottle.lua')
require('bot-bottle').setup({ cmd = { env.TEST_ROOT .. '/tests/editors/tee.py', 'lsp' } })

local failures = 0

--- Waits until `condition` gives something true, and gives that back; a late one is a failure that names `what`.
function M.wait(what, condition)
  local value
  local there = vim.wait(10000, function()
    value = condition()
    return value and true or false
  end, 10)
  if not there then
    error(('waited in vain for %s'):format(what), 0)
  end
  return value
end

function M.equal(got, want, what)
  if not vim.deep_equal(got, want) then
    error(('%s: got %s, want %s'):format(what, vim.inspect(got), vim.inspect(want)), 0)
  end
end

function M.contains(text, part)
  if not text:find(part, 1, true) then
    error(('%q is not in %q'):format(part, text), 0)
  end
end

--- Opens a file and waits until the server is attached to it.
function M.open(path)
  vim.cmd.edit(vim.fn.fnameescape(path))
  local buffer = vim.api.nvim_get_current_buf()
  local client = M.wait('a client on ' .. path, function()
    local client = vim.lsp.get_clients({ bufnr = buffer, name = 'bot_bottle' })[1]
    return client and client.initialized and client
  end)
  return buffer, client
end

--- Puts the cursor on the first place of `text`, plus `offset` bytes.
function M.go_to(text, offset)
  for row, line in ipairs(vim.api.nvim_buf_get_lines(0, 0, -1, true)) do
    local column = line:find(text, 1, true)
    if column then
      return vim.api.nvim_win_set_cursor(0, { row, column - 1 + (offset or 0) })
    end
  end
  error(('%q is not in the buffer'):format(text), 0)
end

--- What the server answers about the place of the cursor; nil when it does not.
function M.ask(client, method, more)
  local params = vim.lsp.util.make_position_params(0, client.offset_encoding)
  params = vim.tbl_extend('force', params, more or {})
  local answers = vim.lsp.buf_request_sync(0, method, params, 10000) or {}
  return answers[client.id] and answers[client.id].result
end

function M.text(buffer)
  return table.concat(vim.api.nvim_buf_get_lines(buffer or 0, 0, -1, true), '\n') .. '\n'
end

function M.read(path)
  return table.concat(vim.fn.readfile(path), '\n') .. '\n'
end

--- The text of the floating window that is open.
function M.float()
  for _, window in ipairs(vim.api.nvim_list_wins()) do
    if vim.api.nvim_win_get_config(window).relative ~= '' then
      return M.text(vim.api.nvim_win_get_buf(window))
    end
  end
end

function M.test(name, body)
  local good, problem = xpcall(body, function(message)
    return type(message) == 'string' and message or vim.inspect(message)
  end)
  failures = failures + (good and 0 or 1)
  io.stdout:write(good and ('ok - neovim: %s\n'):format(name) or ('not ok - neovim: %s: %s\n'):format(name, problem))
end

--- Asks the server to leave, as an editor that closes does, and ends with the verdict.
function M.finish()
  local clients = vim.lsp.get_clients()
  vim.lsp.stop_client(clients)
  M.wait('the server to leave', function()
    return #vim.lsp.get_clients() == 0
  end)
  io.stdout:flush()
  os.exit(failures == 0 and 0 or 1)
end

return M
