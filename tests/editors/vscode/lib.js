// What every suite needs: files as a user opens them, waiting for conditions, and a verdict.
const assert = require("node:assert");
const fs = require("node:fs/promises");
const path = require("node:path");
const vscode = require("vscode");

const workspace = process.env.TEST_WORKSPACE;
const bottles = path.join(process.env.HOME, ".bot-bottle/bottles");
const agents = path.join(process.env.HOME, ".bot-bottle/agents");
const fixtures = path.join(process.env.TEST_ROOT, "tests/editors/fixtures");

/** Waits until `condition` gives something true, and gives that back; a late one is a failure that names `what`. */
async function wait(what, condition) {
  const deadline = Date.now() + 15_000;
  for (;;) {
    const value = await condition();
    if (value) return value;
    assert(Date.now() < deadline, `waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function open(file) {
  const document = await vscode.workspace.openTextDocument(file);
  const editor = await vscode.window.showTextDocument(document);
  return { document, editor };
}

/** The place of `text` in the document, `offset` characters in. */
function place(document, text, offset = 0) {
  const at = document.getText().indexOf(text);
  assert(at >= 0, `${text} is not in ${document.fileName}`);
  return document.positionAt(at + offset);
}

/** The document's findings, once there is one of `rule`. */
function findings(document, rule) {
  return wait(`the finding ${rule}`, () => {
    const all = vscode.languages.getDiagnostics(document.uri);
    return all.some((finding) => ruleOf(finding) === rule) && all;
  });
}

function ruleOf(finding) {
  return typeof finding.code === "object" ? finding.code.value : finding.code;
}

const read = (file) => fs.readFile(file, "utf8");

const exists = (file) => fs.access(file).then(() => true, () => false);

/** Runs each test of `tests` by its name, and throws at the end if one failed. */
async function runAll(tests) {
  let failed = 0;
  for (const [name, test] of Object.entries(tests)) {
    try {
      await test();
      console.log(`ok - vscode: ${name}`);
    } catch (error) {
      failed += 1;
      console.log(`not ok - vscode: ${name}: ${error.message.replaceAll("\n", "\n    ")}`);
    }
    await vscode.commands.executeCommand("workbench.action.revertAndCloseActiveEditor");
    await vscode.commands.executeCommand("workbench.action.closeAllEditors");
  }
  if (failed > 0) throw new Error(`${failed} failed`);
}

module.exports = { agents, bottles, exists, findings, fixtures, open, place, read, ruleOf, runAll, wait, workspace };
