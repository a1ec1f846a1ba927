" The frontmatter as YAML, the rest as Markdown.
runtime! syntax/markdown.vim
unlet! b:current_syntax
syntax include @bottleYaml syntax/yaml.vim
syntax region bottleFrontmatter matchgroup=Delimiter start=/\%^---\s*$/ end=/^---\s*$/ keepend contains=@bottleYaml
let b:current_syntax = 'bottle-markdown'
