import { describe, expect, test } from "@jest/globals";
import { isAtLeast, OLDEST_REDIS, parseRedisVersion } from "./redis-version.ts";

describe("parseRedisVersion", () => {
  test.each([
    ["Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64 build=d81b8ff71cfb150e", [7, 0]],
    ["Redis server v=6.2.6 sha=00000000:0 malloc=libc bits=64 build=1", [6, 2]],
    ["Valkey server v=8.1.3 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64 build=1", [8, 1]],
    ["redis-cli 7.0.15", undefined],
    ["", undefined],
  ])("reads %j", (answer, version) => {
    expect(parseRedisVersion(answer)).toEqual(version);
  });
});

test.each([
  [[6, 2], true],
  [[6, 10], true],
  [[7, 0], true],
  [[6, 0], false],
  [[5, 9], false],
] as const)("%j is new enough: %j", (version, enough) => {
  expect(isAtLeast(version, OLDEST_REDIS)).toBe(enough);
});
