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
  local buffer = t.open(t.home .. '/.bot-bottle/agents/researcher.md')
  vim.lsp.codelens.refresh({ bufnr = buffer })
  local line = t.wait('the plan lens', function()
    for _, lens in ipairs(vim.lsp.codelens.get(buffer)) do
      if lens.command and lens.command.command == 'bot-bottle.plan' then
        return lens.range.start.line + 1
      end
    end
  end)
  vim.api.nvim_win_set_cursor(0, { line, 0 })
  -- Several lenses on the line: Neovim asks which.
  vim.ui.select = function(items, options, choose)
    for index, item in ipairs(items) do
      if options.format_item(item):lower():find('plan', 1, true) then
        return choose(item, index)
      end
    end
  end
  vim.lsp.codelens.run()
  t.wait('the plan', function()
    return vim.bo.filetype == 'markdown' and t.text():find('api.anthropic.com', 1, true)
  end)
  vim.cmd('only')
end)

t.test('an action explains the rule', function()
  local buffer = t.open(t.workspace .. '/claude.bottle.yaml')
  t.wait('the finding', function()
    return #vim.diagnostic.get(buffer) > 0
  end)
  t.go_to('role:')
  vim.lsp.buf.code_action({
    apply = true,
    filter = function(action)
      return vim.startswith(action.title, 'Explain')
    end,
  })
  t.wait('the page', function()
    return vim.bo.filetype == 'markdown' and vim.api.nvim_buf_get_name(0):find('unknown-role', 1, true)
  end)
  t.contains(t.text(), 'role')
  vim.cmd('only')
end)

t.test('a terminal runs the program that the server names, where it says', function()
  local open = require('bot-bottle').config().handlers['botBottle/openTerminal']
  open(nil, { title = 'dev', cwd = t.workspace, argv = { '/bin/sh', '-c', 'pwd; echo "[$1]"', 'sh', 'a b' } })
  t.equal(vim.bo.buftype, 'terminal', 'the kind of buffer')
  t.wait('the output', function()
    local text = t.text():gsub('\n', '')
    return text:find(t.workspace, 1, true) and text:find('[a b]', 1, true)
  end)
  vim.cmd('bdelete!')
end)

t.finish()
