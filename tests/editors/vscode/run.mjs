// Runs a suite in VS Code's extension host, with the packed extension installed as a user would.
//
//   node run.mjs VSIX SUITE.js
//
// Ends with the suite's own exit code.
import path from "node:path";
import { fileURLToPath } from "node:url";
import { openPage, startCode, suiteAddress } from "./workbench.mjs";

const [vsix, suite] = process.argv.slice(2);
const here = path.dirname(fileURLToPath(import.meta.url));
const trusted = suite !== "restricted.js";

const code = await startCode(vsix, {
  settings: trusted ? {} : { "security.workspace.trust.startupPrompt": "never", "security.workspace.trust.banner": "never" },
  flags: trusted ? ["--disable-workspace-trust"] : [],
});
const status = await new Promise((resolve) => {
  const deadline = setTimeout(() => {
    console.log(`not ok - ${suite}: no end within three minutes`);
    resolve(1);
  }, 180_000);
  openPage({
    // Everything that the workbench logs comes here; the verdicts are ours.
    onLog: (line) => (/^(not )?ok - /.test(line) ? console.log(line) : console.error(line)),
    onExit: (exit) => {
      clearTimeout(deadline);
      resolve(exit);
    },
  })
    .then(({ page }) => page.goto(suiteAddress(code.port, path.join(here, suite))))
    .catch((error) => {
      console.log(`not ok - ${suite}: no browser`);
      console.error(error);
      resolve(1);
    });
});
code.stop();
process.exit(status);
