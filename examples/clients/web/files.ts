// What a bundler does elsewhere: gives the browser the page's packages, here straight from node_modules, and TypeScript
// without its types.
import { readFile } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { stripTypeScriptTypes } from "node:module";

const root = new URL("../../../", import.meta.url);
const packages = ["@bufbuild/protobuf", "@bufbuild/protovalidate", "@connectrpc/connect", "@connectrpc/connect-web"];
const folders = [
  { prefix: "/node_modules/", folder: new URL("node_modules/", root) },
  { prefix: "/proto/", folder: new URL("packages/proto/src/", root) },
  { prefix: "/", folder: new URL("./", import.meta.url) },
];
const mediaTypes = new Map([
  ["html", "text/html"],
  ["js", "text/javascript"],
  ["ts", "text/javascript"],
]);

/** Answers a path of the page: the page itself, its script, or a module of a package. */
export async function serveFile(path: string, res: ServerResponse): Promise<void> {
  const file = path === "/" ? "/index.html" : path;
  const { prefix, folder } = folders.find((entry) => file.startsWith(entry.prefix))!;
  const url = new URL(`./${file.slice(prefix.length)}`, folder);
  const extension = url.pathname.split(".").at(-1) ?? "";
  const mediaType = mediaTypes.get(extension);
  const inside = url.href.startsWith(folder.href);
  const text = mediaType !== undefined && inside ? await readFile(url, "utf8").catch(() => undefined) : undefined;
  if (text === undefined) {
    res.writeHead(404).end();
    return;
  }
  res.writeHead(200, { "content-type": `${mediaType}; charset=utf-8` });
  if (extension === "html") res.end(text.replace("IMPORTS", await importMap()));
  else res.end(extension === "ts" ? stripTypeScriptTypes(text) : text);
}

/** Where each package and each entry of it is. */
export async function importMap(): Promise<string> {
  const imports: Record<string, string> = { "@wahub/proto": "/proto/index.ts" };
  for (const name of packages) {
    const manifest = await readFile(new URL(`node_modules/${name}/package.json`, root), "utf8");
    const { exports } = JSON.parse(manifest) as { exports: Record<string, { import: string }> };
    for (const [entry, file] of Object.entries(exports)) {
      imports[name + entry.slice(1)] = `/node_modules/${name}${file.import.slice(1)}`;
    }
  }
  return JSON.stringify({ imports });
}
