// Turns the OpenAPI description of Kubernetes and a folder of CRDs into JSON schemas as kubeconform reads them, one per kind,
// that refuse every field they do not know.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import yaml from "js-yaml";

const definitionsFile = "_definitions.json";

/**
 * Writes the schemas into `to` and returns the pattern by which kubeconform finds them.
 *
 * @param from a folder with kubernetes-*-swagger.json and crds/*.yaml
 */
export function writeSchemas(from, to) {
  rmSync(to, { recursive: true, force: true });
  mkdirSync(to, { recursive: true });
  const swagger = readdirSync(from).find((file) => /^kubernetes-.*swagger\.json$/.test(file));
  if (swagger === undefined) throw new Error(`${from} has no kubernetes-*-swagger.json`);
  const { definitions } = JSON.parse(readFileSync(join(from, swagger), "utf8"));
  for (const [name, schema] of Object.entries(definitions)) {
    close(schema);
    if (name.endsWith(".IntOrString")) becomes(schema, ["string", "integer"]);
    if (name.endsWith(".Quantity")) becomes(schema, ["string", "number"]);
    for (const { group, version, kind } of schema["x-kubernetes-group-version-kind"] ?? [])
      write(to, { group, version, kind }, { $ref: `${definitionsFile}#/definitions/${name}` });
  }
  writeFileSync(join(to, definitionsFile), JSON.stringify({ definitions }));
  const crds = existsSync(join(from, "crds")) ? readdirSync(join(from, "crds")) : [];
  for (const file of crds) {
    for (const crd of yaml.loadAll(readFileSync(join(from, "crds", file), "utf8"))) {
      if (crd?.kind !== "CustomResourceDefinition") continue;
      const { group, names, versions } = crd.spec;
      for (const version of versions)
        write(to, { group, version: version.name, kind: names.kind }, root(closeDeep(version.schema.openAPIV3Schema)));
    }
  }
  return join(to, "{{.ResourceKind}}{{.KindSuffix}}.json");
}

function write(to, { group, version, kind }, schema) {
  const prefix = group ? `${group.split(".")[0]}-` : "";
  writeFileSync(join(to, `${kind.toLowerCase()}-${prefix}${version}.json`), JSON.stringify(schema));
}

function close(schema) {
  if (schema.type === "object" && schema.properties && !schema.additionalProperties)
    schema.additionalProperties = false;
}

function becomes(schema, types) {
  delete schema.format;
  schema.type = types;
}

function closeDeep(schema) {
  if (schema["x-kubernetes-int-or-string"]) {
    becomes(schema, ["string", "integer"]);
    return schema;
  }
  if (!schema["x-kubernetes-preserve-unknown-fields"]) close(schema);
  for (const child of Object.values(schema.properties ?? {})) closeDeep(child);
  if (schema.items) closeDeep(schema.items);
  if (typeof schema.additionalProperties === "object") closeDeep(schema.additionalProperties);
  return schema;
}

/** What every object has, and CRDs leave unsaid. */
function root(schema) {
  schema.properties.apiVersion ??= {};
  schema.properties.kind ??= {};
  schema.properties.metadata = {};
  return schema;
}
