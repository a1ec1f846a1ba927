if vim.g.loaded_bot_bottle then
  return
end
vim.g.loaded_bot_bottle = true

-- Highlighting by tree-sitter where the parsers are; syntax/ serves elsewhere.
vim.treesitter.language.register('yaml', 'bottle')
vim.treesitter.language.register('markdown', 'bottle-markdown')

for name, command in pairs({
  BotBottlePlan = { 'bot-bottle.plan', 'Show what the manifest in this buffer provisions' },
  BotBottleDryRun = { 'bot-bottle.dryRun', 'Show what a launch would do' },
  BotBottleLaunch = { 'bot-bottle.launch', 'Launch the agent of this buffer in a terminal' },
}) do
  vim.api.nvim_create_user_command(name, function()
    require('bot-bottle').run(command[1])
  end, { desc = command[2] })
end

for name, command in pairs({
  BotBottleAttach = { 'bot-bottle.attach', 'Show the terminal of a running bottle' },
  BotBottleStop = { 'bot-bottle.stop', 'End a running bottle' },
}) do
  vim.api.nvim_create_user_command(name, function(chosen)
    require('bot-bottle').run(command[1], chosen.fargs)
  end, { desc = command[2], nargs = '?' })
end
