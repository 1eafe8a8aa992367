/**
 * Put what a page loads into one small file: `src/task-status.min.js`. The modules work without
 * it; it is kept in the repository, and a test sees that it is made of what is there now.
 */

import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

/** @returns {Promise<string>} */
export async function bundle() {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL("src/task-status.js", import.meta.url))],
    bundle: true,
    format: "esm",
    minify: true,
    target: "es2022",
    write: false,
    banner: { js: "/* Made from task-status.js: read that. */" },
  });
  return outputFiles[0]?.text ?? "";
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await writeFile(new URL("src/task-status.min.js", import.meta.url), await bundle());
}
