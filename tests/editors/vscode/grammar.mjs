// What the grammars say before any server answers: with VS Code's own engine and its YAML and Markdown grammars.
import assert from "node:assert";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";

const here = path.dirname(fileURLToPath(import.meta.url));
const vscode = path.join(process.env.BOT_BOTTLE_EDITORS_CACHE, "code-server/node_modules/code-server/lib/vscode");
const require = createRequire(path.join(vscode, "package.json"));
const { Registry, parseRawGrammar, INITIAL } = require("vscode-textmate");
const oniguruma = require("vscode-oniguruma");

const extension = path.join(here, "../../../editors/vscode");
const files = grammarFiles([extension, ...["yaml", "markdown-basics"].map((name) => path.join(vscode, "extensions", name))]);

await oniguruma.loadWASM(readFileSync(require.resolve("vscode-oniguruma/release/onig.wasm")));
const registry = new Registry({
  onigLib: { createOnigScanner: (s) => new oniguruma.OnigScanner(s), createOnigString: (s) => new oniguruma.OnigString(s) },
  loadGrammar: async (scope) => files[scope] && parseRawGrammar(readFileSync(files[scope], "utf8"), files[scope]),
});

/** The grammar files that extensions contribute, by scope. */
function grammarFiles(extensions) {
  return Object.fromEntries(
    extensions.flatMap((folder) =>
      JSON.parse(readFileSync(path.join(folder, "package.json"), "utf8")).contributes.grammars.map((grammar) => [
        grammar.scopeName,
        path.join(folder, grammar.path),
      ]),
    ),
  );
}

/** The scopes of the first token that is exactly `token`. */
async function scopes(grammarScope, text, token) {
  const grammar = await registry.loadGrammar(grammarScope);
  let stack = INITIAL;
  for (const line of text.split("\n")) {
    const { tokens, ruleStack } = grammar.tokenizeLine(line, stack);
    const found = tokens.find(({ startIndex, endIndex }) => line.slice(startIndex, endIndex) === token);
    if (found) return found.scopes.join(" ");
    stack = ruleStack;
  }
  return assert.fail(`no token ${token}`);
}

const manifest = `agent_provider:
  template: claude
env:
  REGION: "\${AWS_REGION}"
  TICKET: "?which ticket"
egress:
  routes:
    # bot-bottle: ignore[broad-wildcard] a test of colours
    - host: "*"
`;
const carriers = {
  "source.bottle": manifest,
  "text.html.markdown.bottle": `---\n${manifest}---\n# The prompt\n\nSay **how** it went.\n`,
};
const expected = { agent_provider: "entity.name.tag", AWS_REGION: "variable.other.host", "?": "question", "broad-wildcard": "rule" };

let failed = 0;
async function test(name, body) {
  await body().then(
    () => console.log(`ok - grammar: ${name}`),
    (error) => {
      failed += 1;
      console.log(`not ok - grammar: ${name}: ${error.message.split("\n")[0]}`);
    },
  );
}

for (const [grammar, text] of Object.entries(carriers)) {
  await test(`${grammar} colours keys, host variables, questions and suppressions`, async () => {
    for (const [token, scope] of Object.entries(expected)) {
      const got = await scopes(grammar, text, token);
      assert(got.split(" ").some((one) => one.startsWith(scope) || one.includes(`.${scope}.`)), `${token} is ${got}`);
    }
  });
}
await test("the body of a Markdown manifest is Markdown", async () => {
  const got = await scopes("text.html.markdown.bottle", carriers["text.html.markdown.bottle"], "how");
  assert(got.includes("markup.bold") && !got.includes("frontmatter"), got);
});
process.exit(failed === 0 ? 0 : 1);
