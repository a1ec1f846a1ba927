-- Neovim 0.11 and later: `vim.lsp.enable('bot_bottle')`.
return require('bot-bottle').config()
