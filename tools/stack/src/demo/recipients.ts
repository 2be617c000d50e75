import { readFile } from "node:fs/promises";
import type { Recipient } from "./hub-client.ts";

/** Reads a CSV file whose first line names the columns; `phone` is required, the others become metadata. */
export async function readRecipients(file: string): Promise<Recipient[]> {
  const [header = "", ...rows] = (await readFile(file, "utf8")).split(/\r?\n/).filter((line) => line.trim() !== "");
  const columns = header.split(",");
  const phoneColumn = columns.indexOf("phone");
  if (phoneColumn < 0) throw new Error(`${file} has no column named phone`);
  return rows.map((row) => {
    const values = row.split(",");
    const fields = columns.map((name, index): [string, string] => [name, values[index] ?? ""]);
    const metadata = Object.fromEntries(fields.filter(([name]) => name !== "phone"));
    return { phone: values[phoneColumn] ?? "", metadata };
  });
}
