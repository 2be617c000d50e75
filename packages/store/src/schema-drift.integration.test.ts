import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { schemaDrift } from "./schema-drift.ts";
import { createTestDatabase, type TestDatabase } from "./testing/index.ts";

describe("the drift between code and database", () => {
  let database: TestDatabase;

  beforeEach(async () => {
    database = await createTestDatabase();
  });

  afterEach(() => database.drop());

  test("is nothing after the migrations", async () => {
    expect(await schemaDrift(database.store)).toEqual([]);
  });

  test.each([
    [
      "a dropped column",
      "alter table message drop column tries",
      `alter table "message" add "tries" smallint not null default 0`,
    ],
    ["an extra column", "alter table batch add column note text", `drop column "note"`],
    [
      "a changed type",
      "alter table sender alter column messages_per_second type smallint",
      `"messages_per_second" type int`,
    ],
    [
      "a changed type of a partitioned table",
      "alter table message alter column error_code type bigint",
      `"error_code" type int`,
    ],
    ["a column that may be null", "alter table message alter column next_at drop not null", `"next_at" set not null`],
    [
      "a column that may not be null",
      "alter table batch alter column metadata set not null",
      `"metadata" drop not null`,
    ],
    ["a lost default", "alter table message alter column lane drop default", `"lane" set default 2`],
    ["a missing table", "drop table orphan_callback", `create table "orphan_callback"`],
    ["an extra table", "create table stray (id int)", `drop table if exists "stray"`],
    ["a missing index", "drop index message_sending", `create index "message_sending"`],
    ["an extra index", "create index stray on batch (created_at)", `drop index "stray"`],
    [
      "an index with another condition",
      "drop index batch_running; create index batch_running on batch (sender_id) where state = 3",
      `"batch_running"`,
    ],
    [
      "an index over other columns",
      "drop index batch_running; create index batch_running on batch (sender_id, virtual_time) where state = 2",
      `"batch_running"`,
    ],
    ["a missing foreign key", "alter table batch drop constraint batch_sender_id_fkey", `"batch_sender_id_fkey"`],
    [
      "a missing unique key",
      "alter table sender drop constraint sender_account_id_phone_key",
      `"sender_account_id_phone_key"`,
    ],
    [
      "another primary key",
      "alter table batch_count drop constraint batch_count_pkey, add primary key (batch_id, status)",
      `add primary key`,
    ],
    ["a check nobody knows", "alter table batch add check (total >= 0)", `drop constraint`],
    ["another comment", "comment on table batch is 'Something else'", "comment on table"],
    [
      "a missing function",
      "drop function counted_error",
      "function counted_error(status smallint, error_code integer) returns integer is missing",
    ],
    [
      "an extra function",
      "create function stray() returns int language sql return 1",
      "function stray() returns integer is not expected",
    ],
  ])("shows %s", async (_what, change, difference) => {
    await database.store.pool.query(change);
    const drift = await schemaDrift(database.store);
    expect(drift.join("\n")).toContain(difference);
  });

  test("shows a table that is not partitioned any more", async () => {
    await database.store.pool.query(
      `alter table message_attempt rename to old;
       create table message_attempt (like old including all);
       drop table old cascade`,
    );
    expect(await schemaDrift(database.store)).toContain(
      "message_attempt is partitioned by nothing, not RANGE (message_id)",
    );
  });
});
