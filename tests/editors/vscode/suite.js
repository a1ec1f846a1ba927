// Runs in VS Code's extension host, against the installed extension, through the public API only.
const assert = require("node:assert");
const fs = require("node:fs/promises");
const path = require("node:path");
const vscode = require("vscode");
const t = require("./lib");

const ID = "bot-bottle.bot-bottle";

/** The finding stands at its place, its fix leaves the expected text, and nothing is left to say. */
async function fixes(file, line, expected) {
  const { document } = await t.open(file);
  const all = await t.findings(document, "unknown-role");
  assert.strictEqual(all.length, 1, `the findings: ${all.map(t.ruleOf)}`);
  const [finding] = all;
  assert.deepStrictEqual([finding.range.start.line, finding.range.start.character], [line, 6]);
  assert.strictEqual(document.getText(finding.range), "role: claude_code_oauth");
  assert.strictEqual(finding.severity, vscode.DiagnosticSeverity.Error);

  const actions = await vscode.commands.executeCommand(
    "vscode.executeCodeActionProvider", document.uri, finding.range, vscode.CodeActionKind.QuickFix.value, 10,
  );
  const fix = actions.find((action) => action.isPreferred && action.edit);
  assert(fix, `a preferred fix among ${actions.map((action) => action.title)}`);
  await vscode.workspace.applyEdit(fix.edit);
  assert.strictEqual(document.getText(), await t.read(path.join(t.fixtures, "expected", expected)));
  await t.wait("a clean document", () => vscode.languages.getDiagnostics(document.uri).length === 0);
}

async function hoverText(document, position) {
  const hovers = await vscode.commands.executeCommand("vscode.executeHoverProvider", document.uri, position);
  return hovers.flatMap((hover) => hover.contents.map((content) => content.value ?? content)).join("\n");
}

/** The Markdown preview that a command opens, by its tab's title. */
function previewTab(title) {
  const tabs = vscode.window.tabGroups.all.flatMap((group) => group.tabs);
  return tabs.find((tab) => tab.label.includes(title) && tab.input instanceof vscode.TabInputWebview);
}

async function showsPreview(command, title) {
  await t.open(path.join(t.bottles, "dev.md"));
  const text = await vscode.commands.executeCommand(command);
  assert.match(text, /api\.anthropic\.com/);
  await t.wait(`the preview ${title}`, () => previewTab(title));
  await t.wait(`the text of ${title}`, () =>
    vscode.workspace.textDocuments.some((document) => document.uri.path.includes(title) && document.getText() === text),
  );
}

const tests = {
  "the extension comes from the package, with its program": async () => {
    const extension = vscode.extensions.getExtension(ID);
    assert(extension, "it is installed");
    assert(!extension.extensionPath.startsWith(process.env.TEST_ROOT + "/editors"), extension.extensionPath);
    assert(await t.exists(path.join(extension.extensionPath, "bin/bot-bottle")));
    assert(await t.exists(path.join(extension.extensionPath, "dist/licenses.txt")));
  },

  "files have their own languages": async () => {
    const languages = {
      "claude.bottle.yaml": "bottle",
      "writer.agent.yaml": "bottle",
      ".bot-bottle/agents/reviewer.md": "bottle-markdown",
    };
    for (const [file, language] of Object.entries(languages)) {
      const { document } = await t.open(path.join(t.workspace, file));
      assert.strictEqual(document.languageId, language, file);
    }
    await t.wait("the extension", () => vscode.extensions.getExtension(ID).isActive);
  },

  "a YAML bottle is fixed": () => fixes(path.join(t.workspace, "claude.bottle.yaml"), 10, "claude.bottle.yaml"),

  "a Markdown bottle is fixed": () => fixes(path.join(t.bottles, "old.md"), 11, "old.md"),

  "a save fixes what it may": async () => {
    const file = path.join(t.workspace, "copy.bottle.yaml");
    await fs.copyFile(path.join(t.fixtures, "workspace/claude.bottle.yaml"), file);
    const { document, editor } = await t.open(file);
    await t.findings(document, "unknown-role");
    const settings = vscode.workspace.getConfiguration("editor", { languageId: "bottle" });
    await settings.update("codeActionsOnSave", { "source.fixAll.bot-bottle": "explicit" }, vscode.ConfigurationTarget.Workspace, true);
    await editor.edit((edit) => edit.insert(new vscode.Position(0, 0), " "));
    await editor.edit((edit) => edit.delete(new vscode.Range(0, 0, 0, 1)));
    await document.save();
    assert.strictEqual(await t.read(file), await t.read(path.join(t.fixtures, "expected/claude.bottle.yaml")));
  },

  "wide characters before it move no finding": async () => {
    const { document } = await t.open(path.join(t.workspace, "wide.bottle.yaml"));
    const all = await t.findings(document, "unknown-role");
    const finding = all.find((one) => t.ruleOf(one) === "unknown-role");
    assert.strictEqual(document.getText(finding.range), "role: claude_code_oauth");
  },

  "hover shows the plan": async () => {
    const { document } = await t.open(path.join(t.bottles, "dev.md"));
    const plan = await t.wait("the hover", () => hoverText(document, t.place(document, "agent_provider", 2)));
    assert.match(plan, /api\.anthropic\.com/);
    assert.match(plan, /api\.github\.com/);
  },

  "hover on an agent shows its bottle": async () => {
    const { document } = await t.open(path.join(t.workspace, "writer.agent.yaml"));
    const plan = await t.wait("the hover", () => hoverText(document, t.place(document, "bottle", 2)));
    assert.match(plan, /api\.anthropic\.com/);
  },

  "completion knows the fields of agent_provider": async () => {
    const { document } = await t.open(path.join(t.workspace, "half.bottle.yaml"));
    const labels = await t.wait("the completion", async () => {
      const list = await vscode.commands.executeCommand(
        "vscode.executeCompletionItemProvider", document.uri, new vscode.Position(1, 2),
      );
      return list.items.length > 0 && list.items.map((item) => item.label.label ?? item.label);
    });
    for (const want of ["template", "auth_token"]) {
      assert(labels.includes(want), `${want} is among ${labels}`);
    }
  },

  "definition jumps from an agent to its bottle": async () => {
    const { document } = await t.open(path.join(t.agents, "researcher.md"));
    const places = await t.wait("a definition", async () => {
      const found = await vscode.commands.executeCommand(
        "vscode.executeDefinitionProvider", document.uri, t.place(document, "dev", 1),
      );
      return found.length > 0 && found;
    });
    assert.strictEqual((places[0].targetUri ?? places[0].uri).fsPath, path.join(t.bottles, "dev.md"));
  },

  "a lens launches, plans and tries each manifest": async () => {
    const { document } = await t.open(path.join(t.bottles, "dev.md"));
    const commands = await t.wait("the lenses", async () => {
      const lenses = await vscode.commands.executeCommand("vscode.executeCodeLensProvider", document.uri, 20);
      return lenses.length > 0 && lenses.map((lens) => lens.command?.command);
    });
    // The server says which of the three it has.
    const registered = await vscode.commands.getCommands();
    const wanted = ["bot-bottle.launch", "bot-bottle.plan", "bot-bottle.dryRun"].filter((one) => registered.includes(one));
    assert(wanted.length >= 2);
    assert.deepStrictEqual([...commands].sort(), wanted.sort());
  },

  "plan opens a read-only preview": () => showsPreview("bot-bottle.plan", "(plan)"),

  "dry run opens a read-only preview": () => showsPreview("bot-bottle.dryRun", "(dry run)"),

  "an action explains the rule": async () => {
    const { document } = await t.open(path.join(t.workspace, "wide.bottle.yaml"));
    const [finding] = await t.findings(document, "unknown-role");
    const actions = await vscode.commands.executeCommand("vscode.executeCodeActionProvider", document.uri, finding.range);
    const explain = actions.find((action) => action.title.startsWith("Explain"))?.command;
    assert(explain, `among ${actions.map((action) => action.title)}`);
    await vscode.commands.executeCommand(explain.command, ...explain.arguments);
    await t.wait("the page", () => previewTab("unknown-role"));
  },

  "rename changes every agent and child, and the file": async () => {
    const { document } = await t.open(path.join(t.workspace, "writer.agent.yaml"));
    const edit = await vscode.commands.executeCommand(
      "vscode.executeDocumentRenameProvider", document.uri, t.place(document, "dev", 1), "lab",
    );
    assert(await vscode.workspace.applyEdit(edit), "the edit applies");
    await vscode.workspace.saveAll();
    await t.wait("the renamed bottle", () => t.exists(path.join(t.bottles, "lab.md")));
    assert(!(await t.exists(path.join(t.bottles, "dev.md"))));
    const renamed = {
      [path.join(t.workspace, "writer.agent.yaml")]: "bottle: lab",
      [path.join(t.workspace, ".bot-bottle/agents/reviewer.md")]: "bottle: lab",
      [path.join(t.agents, "researcher.md")]: "bottle: lab",
      [path.join(t.bottles, "nightly.md")]: "extends: lab",
      [path.join(t.agents, "watcher.md")]: "bottle: nightly",
    };
    for (const [file, want] of Object.entries(renamed)) {
      await t.wait(`${want} in ${file}`, async () => (await t.read(file)).includes(want));
    }
  },

  "a restart brings the findings back": async () => {
    const { document } = await t.open(path.join(t.workspace, "wide.bottle.yaml"));
    await t.findings(document, "unknown-role");
    // Twice at once: the second must not meet the first half-way.
    await Promise.all([1, 2].map(() => vscode.commands.executeCommand("bot-bottle.restart")));
    await t.findings(document, "unknown-role");
  },
};

exports.run = () => t.runAll(tests);
