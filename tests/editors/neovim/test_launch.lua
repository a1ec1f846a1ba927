-- From the lens to the bottle, and what it was refused back into the manifest.
package.path = vim.env.TEST_ROOT .. '/tests/editors/neovim/?.lua;' .. package.path
local t = require('lib')

local HOST = 'api.example.com'

local function skip(reason)
  io.stdout:write(('%s - neovim: the launch: skipped: %s\n'):format(vim.env.BOT_BOTTLE_REQUIRE_ALL == '1' and 'not ok' or 'ok', reason))
  os.exit(vim.env.BOT_BOTTLE_REQUIRE_ALL == '1' and 1 or 0)
end

for program, install in pairs({ bwrap = 'bubblewrap', curl = 'curl', openssl = 'openssl' }) do
  if vim.fn.executable(program) == 0 then
    skip(('%s is not on PATH; install with: apt-get install %s'):format(program, install))
  end
end

local function write(path, text)
  vim.fn.mkdir(vim.fs.dirname(path), 'p')
  vim.fn.writefile(vim.split(vim.trim(text), '\n'), path)
end

-- The agent: asks once, shows the answer, and ends when its file is gone.
local agent = t.home .. '/bin/claude'
write(agent, '#!/bin/sh\ncurl -sS --cacert ca.pem -o /dev/null -w "asked: %{http_code}\\n" https://' .. HOST .. '/v1/models\nwhile test -e hold; do sleep 0.02; done\n')
vim.uv.fs_chmod(agent, tonumber('755', 8))
vim.env.PATH = t.home .. '/bin:' .. vim.env.PATH

local folder = t.home .. '/upstream'
vim.fn.mkdir(folder, 'p')
local upstream = vim.fn.jobstart({ 'python3', vim.env.TEST_ROOT .. '/tests/editors/upstream.py', HOST, folder })
local port = t.wait('the upstream', function()
  return vim.uv.fs_stat(folder .. '/port') and vim.fn.readfile(folder .. '/port')[1]
end)
vim.uv.fs_copyfile(folder .. '/ca.pem', t.workspace .. '/ca.pem')
write(
  t.home .. '/.config/bot-bottle/config.yaml',
  ('backend: bubblewrap\nresolve: ["%s:443:127.0.0.1:%s"]'):format(HOST, port)
)

local path = t.workspace .. '/lab.bottle.yaml'
local hold = t.workspace .. '/hold'
write(path, 'egress:\n  routes:\n    - host: api.github.com\n')

--- The person: says which lens is pressed, and yes to every question of trust, which is kept.
local pressed, asked
vim.ui.select = function(items, options, choose)
  for index, item in ipairs(items) do
    local title = options.format_item and options.format_item(item) or item.title
    if title:find('Trust and launch', 1, true) then
      asked = options.prompt
      return choose(item, index)
    elseif pressed and title:find(pressed, 1, true) then
      return choose(item, index)
    end
  end
  choose(nil)
end

local buffer

local function back()
  vim.cmd('stopinsert')
  vim.api.nvim_set_current_win(vim.fn.bufwinid(buffer))
end

--- The lens whose title has this text, as it is shown now.
local function lens(text)
  return vim.iter(vim.lsp.codelens.get(buffer)):find(function(one)
    return one.command and one.command.title:find(text, 1, true)
  end)
end

local function press(text)
  back()
  t.wait('the lens ' .. text, function()
    return lens(text)
  end)
  vim.api.nvim_win_set_cursor(0, { 1, 0 })
  pressed, asked = text, nil
  vim.lsp.codelens.run()
end

--- Waits for a terminal that shows the text, and gives its buffer.
local function terminal(text)
  local shown = {}
  local good, found = pcall(t.wait, 'a terminal with ' .. text, function()
    shown = vim.iter(vim.api.nvim_list_bufs()):filter(function(one)
      return vim.bo[one].buftype == 'terminal'
    end)
    shown = shown:totable()
    return vim.iter(shown):find(function(one)
      return t.text(one):find(text, 1, true)
    end)
  end)
  return good and found or error(found .. ', but: ' .. vim.inspect(vim.tbl_map(t.text, shown)), 0)
end

--- Waits until the program of a terminal has ended well.
local function ended(one)
  t.wait('the end of the launch', function()
    return t.text(one):find('[Process exited 0]', 1, true)
  end)
end

t.test('the lens launches what the question showed, in a terminal', function()
  write(hold, '')
  buffer = t.open(path)
  vim.lsp.codelens.refresh({ bufnr = buffer })
  press('Launch')
  local one = terminal('asked: 000')
  t.contains(asked, 'this bottle would allow an agent')
  t.contains(asked, 'api.github.com')
  t.contains(t.text(one), 'route        ')
end)

t.test('the lens says that it runs, and a look at it is a terminal too', function()
  t.wait('the running lens', function()
    return lens('running, 1 refusal')
  end)
  press('running')
  t.wait('the second terminal', function()
    return vim.iter(vim.api.nvim_list_bufs()):filter(function(one)
      return vim.bo[one].buftype == 'terminal' and t.text(one):find('asked: 000', 1, true)
    end):nth(2)
  end)
  vim.fn.delete(hold)
  local one = terminal('· verify')
  ended(one)
  -- What was printed stays where it was, and the end comes below it.
  if not t.text(one):find('· verify\n.*asked: 000\n.*· clean%-up') then
    error(t.text(one), 0)
  end
  t.wait('the lens of a bottle that does not run', function()
    return lens('Launch')
  end)
end)

t.test('what it was refused is a finding, whose fix allows it', function()
  back()
  local found = t.wait('the finding', function()
    return vim.iter(vim.diagnostic.get(buffer)):find(function(d)
      return d.code == 'denied-egress'
    end)
  end)
  t.contains(found.message, HOST)
  vim.api.nvim_win_set_cursor(0, { found.lnum + 1, found.col })
  vim.lsp.buf.code_action({
    apply = true,
    filter = function(action)
      return vim.startswith(action.title, 'Allow')
    end,
  })
  t.wait('the route', function()
    return t.text(buffer):find('- host: ' .. HOST, 1, true)
  end)
  t.wait('a clean buffer', function()
    return #vim.diagnostic.get(buffer) == 0
  end)
end)

t.test('the next launch asks about the change, and the request passes', function()
  press('Launch')
  ended(terminal('asked: 200'))
  t.equal(vim.bo[buffer].modified, false, 'modified')
  t.contains(asked, 'has changed since you trusted it')
  t.contains(asked, HOST)
  if asked:find('api.github.com', 1, true) then
    error('what was allowed before is no news: ' .. asked, 0)
  end
end)

vim.fn.jobstop(upstream)
t.finish()
