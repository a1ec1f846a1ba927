import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { build } from "esbuild";

// One file, so that the package carries no node_modules.
const { metafile } = await build({
  entryPoints: ["src/extension.ts"],
  outfile: "dist/extension.js",
  bundle: true,
  platform: "node",
  target: "node20",
  format: "cjs",
  external: ["vscode"],
  minify: true,
  metafile: true,
});

// The licences of what was bundled ask to go along.
const inputs = Object.keys(metafile.inputs).flatMap((file) => file.match(/.*node_modules\/(?:@[^/]+\/)?[^/]+/) ?? []);
const notices = [...new Set(inputs)].sort().map((folder) => {
  const file = ["LICENSE", "LICENSE.md", "License.txt", "LICENSE.txt"].find((name) => existsSync(`${folder}/${name}`));
  if (file === undefined) throw new Error(`${folder} has no licence file`);
  return `${folder.replace(/.*node_modules\//, "")}\n\n${readFileSync(`${folder}/${file}`, "utf8").trim()}\n`;
});
writeFileSync("dist/licenses.txt", notices.join("\n---\n\n"));
