// Which programs the image has, each by the word that `docker run whatsapp-hub <word>` picks it with.

const services = ["gateway", "dispatch", "sender", "webhook-ingest", "status-query"];

/** Word and file that runs the program, relative to this folder. */
export const programs = new Map([
  ...services.map((name) => [name, `../services/${name}/src/main.js`]),
  ["migrate", "../packages/store/src/migrate-main.js"],
  ["sim", "../tools/twilio-sim/src/main.js"],
]);

/** What has the same imports as the programs and starts nothing when it is imported. */
export const modulesToCompile = [
  ...services.flatMap((name) => [`../services/${name}/src/app.js`, `../services/${name}/src/config.js`]),
  "../packages/store/src/migrate.js",
  "../tools/twilio-sim/src/process.js",
];
