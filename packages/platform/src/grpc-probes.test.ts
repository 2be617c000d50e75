import { Client, type ClientReadableStream, credentials, Metadata } from "@grpc/grpc-js";
import { afterEach, describe, expect, test } from "@jest/globals";
import { service as healthService } from "grpc-health-check";
import { startGrpc } from "./testing.ts";

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

function rawClient(target: string): Client {
  const client = new Client(target, credentials.createInsecure());
  closing.push(() => client.close());
  return client;
}

interface Health {
  readonly status: string;
}

function check(client: Client, service: string): Promise<Health> {
  const { path, requestSerialize, responseDeserialize } = method("Check");
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(path, requestSerialize, responseDeserialize, { service }, (error, value) =>
      error === null && value !== undefined ? resolve(value) : reject(error ?? new Error("no value")),
    );
  });
}

function watch(client: Client, service: string): ClientReadableStream<Health> {
  const { path, requestSerialize, responseDeserialize } = method("Watch");
  return client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, { service }, new Metadata());
}

function method(name: "Check" | "Watch") {
  const definition = healthService[name];
  if (definition === undefined) throw new Error(`no method ${name}`);
  return definition as {
    path: string;
    requestSerialize: (value: object) => Buffer;
    responseDeserialize: (bytes: Buffer) => Health;
  };
}

describe("health", () => {
  test("needs no key and is SERVING after the start, for the server and for each service", async () => {
    const { server, target } = await startGrpc({});
    closing.push(() => server.stop());
    const client = rawClient(target);
    for (const name of ["", "whatsapphub.v1.DispatchService", "whatsapphub.v1.StatusService"]) {
      expect(await check(client, name)).toMatchObject({ status: "SERVING" });
    }
    await expect(check(client, "whatsapphub.v1.Other")).rejects.toThrow("NOT_FOUND");
  });

  test("is NOT_SERVING first thing when the app stops; those who watch are told and do not hold up the stop", async () => {
    const { server, target } = await startGrpc({});
    const client = rawClient(target);
    const stream = watch(client, "");
    const seen: string[] = [];
    const first = Promise.withResolvers<void>();
    const ended = Promise.withResolvers<void>();
    stream.on("data", ({ status }: Health) => {
      seen.push(status);
      first.resolve();
    });
    stream.on("error", () => ended.resolve());
    await first.promise;
    server.appStopping?.();
    expect(await check(client, "whatsapphub.v1.StatusService")).toMatchObject({ status: "NOT_SERVING" });
    const begun = performance.now();
    await server.stop();
    await ended.promise;
    expect(seen).toEqual(["SERVING", "NOT_SERVING", "NOT_SERVING"].slice(0, seen.length));
    expect(seen.length).toBeGreaterThan(1);
    expect(performance.now() - begun).toBeLessThan(2_000);
  });
});

function same(bytes: Buffer): Buffer {
  return bytes;
}

// Field numbers of grpc.reflection.*.ServerReflectionRequest.
const fileByFilename = 3;
const fileContainingSymbol = 4;
const listServices = 7;

function ask(client: Client, version: string, field: number, text: string): Promise<Buffer> {
  const path = `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`;
  const call = client.makeBidiStreamRequest(path, same, same, new Metadata());
  call.end(Buffer.concat([Buffer.from([(field << 3) | 2, text.length]), Buffer.from(text)]));
  return new Promise((resolve, reject) => {
    call.on("data", (answer: Buffer) => resolve(answer));
    call.on("error", reject);
  });
}

describe("reflection", () => {
  test.each(["v1", "v1alpha"])("%s lists our services without a key", async (version) => {
    const { server, target } = await startGrpc({});
    closing.push(() => server.stop());
    const answer = (await ask(rawClient(target), version, listServices, "*")).toString("latin1");
    expect(answer).toContain("whatsapphub.v1.DispatchService");
    expect(answer).toContain("whatsapphub.v1.StatusService");
    expect(answer).toContain("grpc.health.v1.Health");
  });

  test("knows what no service's file mentions: the detail of a refusal, and health", async () => {
    const { server, target } = await startGrpc({});
    closing.push(() => server.stop());
    const client = rawClient(target);
    const detail = await ask(client, "v1", fileContainingSymbol, "whatsapphub.v1.ErrorDetail");
    expect(detail.toString("latin1")).toContain("FieldViolation");
    const health = await ask(client, "v1", fileContainingSymbol, "grpc.health.v1.Health");
    expect(health.toString("latin1")).toContain("HealthCheckRequest");
    // The name that clients insist on for the entries of the map `statuses`.
    expect(health.toString("latin1")).toContain("StatusesEntry");
  });

  test("gives the files of a service with everything they import", async () => {
    const { server, target } = await startGrpc({});
    closing.push(() => server.stop());
    const client = rawClient(target);
    const answer = await ask(client, "v1", fileContainingSymbol, "whatsapphub.v1.DispatchService");
    expect(answer.toString("latin1")).toContain("BulkSend");
    for (const file of [
      "whatsapphub/v1/message.proto",
      "buf/validate/validate.proto",
      "google/protobuf/struct.proto",
    ]) {
      expect((await ask(client, "v1", fileByFilename, file)).toString("latin1")).toContain(file);
    }
  });
});
