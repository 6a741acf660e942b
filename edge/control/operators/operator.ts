import { z } from "@hono/zod-openapi";
import { UserId } from "../../agreements/tokens/ids.ts";
import type { OperatorRow } from "./queries.ts";

/** An operator in an answer. */
export const Operator = z
  .strictObject({
    id: UserId,
    email: z.string(),
    name: z.string(),
    hasSignedIn: z.boolean().openapi({ description: "She has proven the address at least once." }),
  })
  .openapi("Operator");

/** Writes an operator. */
export function toOperator({ id, email, name, email_verified }: OperatorRow): z.infer<typeof Operator> {
  return { id, email, name, hasSignedIn: email_verified === 1 };
}
