import { describe, expect, test } from "@jest/globals";
import { repeatAfterDeadlock } from "./transaction.ts";

const failing = (code: string, times: number) => {
  let calls = 0;
  const work = async (): Promise<string> => {
    if (calls++ < times) throw Object.assign(new Error(code), { code });
    return "done";
  };
  return { work, calls: () => calls };
};

describe("work that PostgreSQL took back", () => {
  test.each(["40P01", "40001"])("is done again (%s)", async (code) => {
    const { work, calls } = failing(code, 3);
    expect(await repeatAfterDeadlock(work)).toBe("done");
    expect(calls()).toBe(4);
  });

  test("is not done again for ever", async () => {
    const { work, calls } = failing("40P01", 100);
    await expect(repeatAfterDeadlock(work)).rejects.toMatchObject({ code: "40P01" });
    expect(calls()).toBe(6);
  });

  test("for any other reason is not done again", async () => {
    const { work, calls } = failing("23505", 1);
    await expect(repeatAfterDeadlock(work)).rejects.toMatchObject({ code: "23505" });
    expect(calls()).toBe(1);
  });
});
