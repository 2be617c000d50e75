/** Headers of every answer, as captured from Twilio's API. */
export const STANDING_HEADERS = {
  "Content-Type": "application/json",
  "X-Home-Region": "us1",
  "X-Api-Domain": "api.twilio.com",
  "X-Powered-By": "AT-5000",
  "X-Shenanigans": "none",
  "Access-Control-Allow-Credentials": "true",
  "Access-Control-Allow-Headers":
    "Accept, Authorization, Content-Type, If-Match, If-Modified-Since, If-None-Match, If-Unmodified-Since, Idempotency-Key",
  "Access-Control-Allow-Methods": "GET, POST, PATCH, PUT, DELETE, OPTIONS",
  "Access-Control-Allow-Origin": "*",
  "Access-Control-Expose-Headers": "ETag",
  "Strict-Transport-Security": "max-age=31536000",
} as const;
