import { Client } from "pg";
import { simulatedAccount, type TwilioChoice } from "./twilio-choice.ts";

/**
 * Refuses a database of the user's, already migrated, that has been used the other way: the simulator must not answer
 * for messages that were meant for real people, nor real Twilio get those of a simulation.
 */
export async function refuseForeignAccount(databaseUrl: string, choice: TwilioChoice): Promise<void> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const { rows } = await client.query<{ sid: string }>("select sid from account");
    const simulated = rows.some(({ sid }) => sid === simulatedAccount.accountSid);
    const real = rows.some(({ sid }) => sid !== simulatedAccount.accountSid);
    if (choice.kind === "simulated" && real)
      throw new Error(
        "The database in DATABASE_URL has sent through a real Twilio account. Give the simulator a database of its own, or start with --real-twilio.",
      );
    if (choice.kind === "real" && simulated)
      throw new Error(
        "The database in DATABASE_URL has been used with the simulator. Give --real-twilio a database of its own.",
      );
  } finally {
    await client.end();
  }
}
