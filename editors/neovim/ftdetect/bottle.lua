-- Only our own names: general YAML and Markdown stay what they are.
vim.filetype.add({
  filename = { ['bottle.yaml'] = 'bottle', ['bottle.yml'] = 'bottle' },
  pattern = {
    ['.*%.bottle%.ya?ml'] = 'bottle',
    ['.*%.agent%.ya?ml'] = 'bottle',
    ['.*/%.bot%-bottle/bottles/[^/]+%.md'] = 'bottle-markdown',
    ['.*/%.bot%-bottle/agents/[^/]+%.md'] = 'bottle-markdown',
  },
})
