-- The commands: plan, dry run, and a launch that opens a terminal.
package.path = vim.env.TEST_ROOT .. '/tests/editors/neovim/?.lua;' .. package.path
local t = require('lib')

--- Runs a command and waits for the read-only text that it shows.
local function shows(command, title, part)
  t.open(t.home .. '/.bot-bottle/bottles/dev.md')
  vim.cmd(command)
  t.wait('the text of ' .. command, function()
    return vim.api.nvim_buf_get_name(0):find(title, 1, true)
  end)
  t.contains(t.text(), part)
  t.equal(vim.bo.modifiable, false, 'modifiable')
  vim.cmd('only')
end

t.test(':BotBottlePlan shows the plan', function()
  shows('BotBottlePlan', 'dev.md plan', 'api.anthropic.com')
end)

t.test(':BotBottleDryRun shows what a launch would do', function()
  shows('BotBottleDryRun', 'dev.md dry run', 'api.anthropic.com')
end)

t.test('a lens shows the plan too', function()
  local buffer, client = t.open(t.home .. '/.bot-bottle/agents/researcher.md')
  vim.lsp.codelens.refresh({ bufnr = buffer })
  local lens = t.wait('the plan lens', function()
    return vim.iter(vim.lsp.codelens.get(buffer)):find(function(lens)
      return lens.command and lens.command.command == 'bot-bottle.plan'
    end)
  end)
  client:exec_cmd(lens.command, { bufnr = buffer })
  t.wait('the plan', function()
    return vim.bo.filetype == 'markdown' and t.text():find('api.anthropic.com', 1, true)
  end)
  vim.cmd('only')
end)

t.test('a terminal runs the program that the server names, where it says', function()
  local open = vim.lsp.config.bot_bottle.handlers['botBottle/openTerminal']
  open(nil, { title = 'dev', cwd = t.workspace, argv = { '/bin/sh', '-c', 'pwd; echo "[$1]"', 'sh', 'a b' } })
  t.equal(vim.bo.buftype, 'terminal', 'the kind of buffer')
  t.wait('the output', function()
    local text = t.text():gsub('\n', '')
    return text:find(t.workspace, 1, true) and text:find('[a b]', 1, true)
  end)
  vim.cmd('bdelete!')
end)

t.finish()
