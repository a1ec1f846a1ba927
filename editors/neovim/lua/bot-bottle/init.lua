--- The language server's client: its configuration, and what the user asks of it.
local M = {}

local NAME = 'bot_bottle'
local FILETYPES = { 'bottle', 'bottle-markdown' }
local ROOT_MARKERS = { '.bot-bottle', '.git' }

--- Opens `argv` as the program of a terminal below, with no shell in between.
local function open_terminal(_, params)
  vim.cmd('botright new')
  local options = { cwd = params.cwd }
  if vim.fn.has('nvim-0.11') == 1 then
    options.term = true
    vim.fn.jobstart(params.argv, options)
  else
    vim.fn.termopen(params.argv, options)
  end
  pcall(vim.api.nvim_buf_set_name, 0, 'bot-bottle://' .. params.title)
  vim.cmd('startinsert')
  return vim.NIL
end

--- Shows Markdown in a read-only buffer; the same title again reuses it.
local function show(title, text)
  local name = 'bot-bottle://' .. title
  local buffer = vim.fn.bufnr('^' .. vim.fn.escape(name, '[]*?{}\\,') .. '$')
  if buffer == -1 then
    buffer = vim.api.nvim_create_buf(false, true)
    vim.api.nvim_buf_set_name(buffer, name)
    vim.bo[buffer].filetype = 'markdown'
  end
  vim.bo[buffer].modifiable = true
  vim.api.nvim_buf_set_lines(buffer, 0, -1, true, vim.split(vim.trim(text), '\n'))
  vim.bo[buffer].modifiable = false
  local window = vim.fn.bufwinid(buffer)
  if window == -1 then
    vim.cmd('vertical sbuffer ' .. buffer)
  else
    vim.api.nvim_set_current_win(window)
  end
end

local function request(client, method, params, handler, bufnr)
  if vim.fn.has('nvim-0.11') == 1 then
    return client:request(method, params, handler, bufnr)
  end
  return client.request(method, params, handler, bufnr)
end

--- The result, or nil where the server fails or takes more than a second.
local function request_sync(client, method, params, bufnr)
  local answer
  if vim.fn.has('nvim-0.11') == 1 then
    answer = client:request_sync(method, params, 1000, bufnr)
  else
    answer = client.request_sync(method, params, 1000, bufnr)
  end
  return answer and answer.result
end

local function attached(bufnr)
  return vim.lsp.get_clients({ name = NAME, bufnr = bufnr })[1]
end

--- What the page is called that a command gives about its first argument, a manifest or a rule.
local function title_of(command, arguments)
  local what = ({ ['bot-bottle.plan'] = ' plan', ['bot-bottle.dryRun'] = ' dry run' })[command] or ''
  local about = arguments[2] or arguments[1] or command
  return (vim.startswith(about, 'file:') and vim.fs.basename(vim.uri_to_fname(about)) or about) .. what
end

--- Runs a command of the server; a text that comes back is shown.
local function execute(client, command, arguments, bufnr)
  request(client, 'workspace/executeCommand', { command = command, arguments = arguments }, function(err, result)
    if err then
      vim.notify('bot-bottle: ' .. err.message, vim.log.levels.ERROR)
    elseif type(result) == 'string' then
      show(title_of(command, arguments), result)
    end
  end, bufnr)
end

--- A launch reads the file, so what is on the screen must be in it.
local function before(command, bufnr)
  if command == 'bot-bottle.launch' and vim.bo[bufnr].modified then
    vim.api.nvim_buf_call(bufnr, function()
      vim.cmd('write')
    end)
  end
end

--- A lens or an action was chosen.
local function chosen_command(command, context)
  before(command.command, context.bufnr)
  execute(vim.lsp.get_client_by_id(context.client_id), command.command, command.arguments or {}, context.bufnr)
end

--- A run has begun or ended: lenses that are shown are asked for again.
local function refresh_lenses(_, _, context)
  for bufnr in pairs(vim.lsp.get_client_by_id(context.client_id).attached_buffers) do
    if #vim.lsp.codelens.get(bufnr) > 0 then
      vim.lsp.codelens.refresh({ bufnr = bufnr })
    end
  end
  return vim.NIL
end

--- What `setup` was given.
local chosen = {}

--- The client configuration that `vim.lsp.config` and `vim.lsp.start` take.
function M.config()
  return vim.tbl_deep_extend('force', {
    name = NAME,
    cmd = { 'bot-bottle', 'lsp' },
    filetypes = FILETYPES,
    root_markers = ROOT_MARKERS,
    capabilities = {
      experimental = { botBottle = { terminal = true } },
      workspace = { codeLens = { refreshSupport = true } },
    },
    handlers = {
      ['botBottle/openTerminal'] = open_terminal,
      ['workspace/codeLens/refresh'] = vim.lsp.handlers['workspace/codeLens/refresh'] or refresh_lenses,
    },
    commands = {
      ['bot-bottle.plan'] = chosen_command,
      ['bot-bottle.dryRun'] = chosen_command,
      ['bot-bottle.launch'] = chosen_command,
      ['bot-bottle.attach'] = chosen_command,
      ['bot-bottle.stop'] = chosen_command,
      ['bot-bottle.explain'] = chosen_command,
    },
  }, chosen)
end

--- Starts the server for every bottle and agent that is opened.
--- `options` overrides the configuration, for example `{ cmd = { '/opt/bot-bottle', 'lsp' } }`.
function M.setup(options)
  chosen = options or {}
  if vim.lsp.enable then
    vim.lsp.config(NAME, chosen)
    vim.lsp.enable(NAME)
    return
  end
  local config = M.config()
  local base = vim.lsp.protocol.make_client_capabilities()
  config.capabilities = vim.tbl_deep_extend('force', base, config.capabilities)
  vim.api.nvim_create_autocmd('FileType', {
    pattern = FILETYPES,
    group = vim.api.nvim_create_augroup('bot-bottle', {}),
    callback = function(event)
      local file = vim.api.nvim_buf_get_name(event.buf)
      local found = vim.fs.find(ROOT_MARKERS, { upward = true, path = vim.fs.dirname(file) })[1]
      local here = vim.tbl_extend('force', config, { root_dir = found and vim.fs.dirname(found) })
      vim.lsp.start(here, { bufnr = event.buf })
    end,
  })
end

--- Applies every safe fix to the buffer and returns when it is done, so that it may run before a write.
function M.fix_all(bufnr)
  bufnr = bufnr or vim.api.nvim_get_current_buf()
  local client = attached(bufnr)
  if not client then
    return
  end
  local params = {
    textDocument = { uri = vim.uri_from_bufnr(bufnr) },
    range = {
      start = { line = 0, character = 0 },
      ['end'] = { line = vim.api.nvim_buf_line_count(bufnr), character = 0 },
    },
    context = { only = { 'source.fixAll.bot-bottle' }, diagnostics = {} },
  }
  for _, action in ipairs(request_sync(client, 'textDocument/codeAction', params, bufnr) or {}) do
    if not action.edit then
      action = request_sync(client, 'codeAction/resolve', action, bufnr) or action
    end
    if action.edit then
      vim.lsp.util.apply_workspace_edit(action.edit, client.offset_encoding)
    end
  end
end

--- Runs one of the server's commands: on the current buffer, or on what `arguments` say.
function M.run(command, arguments)
  local client = attached(0)
  if not client then
    return vim.notify('bot-bottle: no language server here; see :checkhealth bot-bottle', vim.log.levels.WARN)
  end
  before(command, 0)
  execute(client, command, arguments or { vim.uri_from_bufnr(0) }, 0)
end

return M
