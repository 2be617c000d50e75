// As far as the tests use it; the package brings no types.
declare module "js-yaml" {
  const yaml: { load(text: string): unknown; loadAll(text: string): unknown[]; dump(value: unknown): string };
  export default yaml;
}
