import { describe, expect, test } from "@jest/globals";
import { HubError } from "@wahub/domain";
import { toStoreError, withStoreErrors } from "./store-errors.ts";

const coded = (code: string): Error => Object.assign(new Error("as the server put it"), { code });

describe("an error of the database", () => {
  test.each([
    "ECONNREFUSED",
    "ECONNRESET",
    "08000",
    "08006",
    "08P01",
    "57P01",
    "57P02",
    "57P03",
    "53100",
    "53200",
    "53300",
    "53400",
    "58000",
    "58030",
    "58P01",
    "25006",
    "25P03",
    "57014",
  ])("with code %s means that it is unavailable", (code) => {
    const error = coded(code);
    expect(toStoreError(error)).toMatchObject({ name: "HubError", kind: "unavailable", cause: error });
  });

  test.each([
    "timeout exceeded when trying to connect",
    "Connection terminated unexpectedly",
    "Connection terminated due to connection timeout",
    "Client has encountered a connection error and is not queryable",
    "Client was closed and is not queryable",
    "Query read timeout",
  ])("that says %j means that it is unavailable", (message) => {
    expect(toStoreError(new Error(message))).toMatchObject({ kind: "unavailable" });
  });

  test("is recognised inside what wraps it", () => {
    const wrapped = new Error("select 1 - failed", { cause: coded("57P03") });
    expect(toStoreError(wrapped)).toMatchObject({ kind: "unavailable", cause: wrapped });
  });

  test.each(["23505", "40P01", "42P01", "0800", "ENOENT"])("with code %s stays what it is", (code) => {
    const error = coded(code);
    expect(toStoreError(error)).toBe(error);
  });

  test("that is ours already stays what it is, and so does what is no error", () => {
    const ours = new HubError("conflict", "Connection terminated");
    expect(toStoreError(ours)).toBe(ours);
    expect(toStoreError("ECONNREFUSED")).toBe("ECONNREFUSED");
    expect(toStoreError(undefined)).toBeUndefined();
  });

  test("tells the caller nothing about our network", () => {
    const error = toStoreError(
      Object.assign(new Error("connect ECONNREFUSED 10.1.2.3:5432"), { code: "ECONNREFUSED" }),
    );
    expect((error as Error).message).not.toContain("10.1.2.3");
  });
});

describe("running something with store errors", () => {
  test("passes its result on", async () => {
    expect(await withStoreErrors(async () => 7)).toBe(7);
  });

  test("passes its failure on in our words", async () => {
    await expect(withStoreErrors(() => Promise.reject(coded("57P01")))).rejects.toMatchObject({ kind: "unavailable" });
  });
});
