// The same extension in a workspace that the user does not trust: it checks, and launches nothing.
const assert = require("node:assert");
const path = require("node:path");
const vscode = require("vscode");
const t = require("./lib");

const tests = {
  "an untrusted workspace is checked": async () => {
    assert.strictEqual(vscode.workspace.isTrusted, false, "the workspace is not trusted");
    const { document } = await t.open(path.join(t.workspace, "claude.bottle.yaml"));
    await t.findings(document, "unknown-role");
  },

  "an untrusted workspace has no launch lens": async () => {
    const { document } = await t.open(path.join(t.workspace, "writer.agent.yaml"));
    const commands = await t.wait("the lenses", async () => {
      const lenses = await vscode.commands.executeCommand("vscode.executeCodeLensProvider", document.uri, 20);
      return lenses.length > 0 && lenses.map((lens) => lens.command?.command);
    });
    assert(commands.includes("bot-bottle.plan"));
    assert(!commands.includes("bot-bottle.launch"));
  },

  "an untrusted workspace launches nothing": async () => {
    await t.open(path.join(t.workspace, "writer.agent.yaml"));
    const before = vscode.window.terminals.length;
    // The warning that it shows stays open, so nothing comes back: another request is what tells that it is over.
    void vscode.commands.executeCommand("bot-bottle.launch").then(undefined, () => undefined);
    await vscode.commands.executeCommand("bot-bottle.plan");
    assert.strictEqual(vscode.window.terminals.length, before);
  },
};

exports.run = () => t.runAll(tests);
