import { jest } from "@jest/globals";

// Real servers on a busy machine take their time; a test that hangs is still found.
jest.setTimeout(30_000);
