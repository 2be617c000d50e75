import { BatchState, EventSource, MessageStatus } from "@wahub/proto";

/** Turns the numbers of an enum into words for people: 10 is `delivered`. */
function words(numbers: Readonly<Record<string, number>>): (value: number) => string {
  const byNumber = new Map(Object.entries(numbers).map(([name, value]) => [value, name.toLowerCase()]));
  return (value) => byNumber.get(value) ?? `${value}`;
}

export const statusWord = words(MessageStatus);
export const sourceWord = words(EventSource);
export const stateWord = words(BatchState);
