import { jest } from "@jest/globals";

// Starting the whole stack is part of it.
jest.setTimeout(120_000);
