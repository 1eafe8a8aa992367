import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const root = fileURLToPath(new URL("..", import.meta.url));

const USE = `
import { watch, Refusal, type Watch } from "django-taskstatus";
import { TaskStatusElement } from "django-taskstatus/element.js";
import "django-taskstatus/task-status.js";
const task: Watch = watch("id", { token: async () => "t", transports: ["ws", "poll"] });
for await (const message of task) {
  const text: string = message.type === "log" ? message.message : message.state;
  void [text, Refusal];
}
// @ts-expect-error there is no such transport
watch("id", { transports: ["carrier pigeon"] });
const { code }: { code?: number } = await task.finished;
new TaskStatusElement().token = () => \`\${code}\`;
`;

test("the packed package is used, with its types, by a project that has nothing else", async () => {
  const folder = await mkdtemp(path.join(tmpdir(), "taskstatus-"));
  try {
    const { stdout } = await run("npm", ["pack", "--json", "--pack-destination", folder], { cwd: root });
    const [name] = /[\w.-]+\.tgz/.exec(stdout) ?? [];
    assert.ok(name, stdout);
    await writeFile(path.join(folder, "package.json"), '{"private": true, "type": "module"}');
    await writeFile(path.join(folder, "use.ts"), USE);
    await run("npm", ["install", "--offline", `./${name}`], { cwd: folder });
    const tsc = path.join(root, "node_modules", ".bin", "tsc");
    const options = "--noEmit --strict --target es2022 --module nodenext --lib es2022,dom,dom.iterable use.ts";
    await run(tsc, options.split(" "), { cwd: folder }).catch(({ stdout }) => assert.fail(stdout));
    await run("node", ["-e", 'import("django-taskstatus").then(({watch}) => process.exit(watch ? 0 : 1))'], { cwd: folder });
  } finally {
    await rm(folder, { recursive: true });
  }
});
