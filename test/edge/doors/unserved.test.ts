import { describe, expect, test } from "vitest";
import { routes } from "#edge/doors/routes.ts";
import { findUnserved } from "#edge/doors/unserved.ts";

const served = "no model here serves";

describe("a part of an API that nothing here answers", () => {
  test.each([
    ["/v1/moderations", "OpenAI's moderations"],
    ["/v1/images/edits", "OpenAI's edits of images"],
    ["/v1/images/variations", "OpenAI's variations of images"],
    ["/v1/audio/voices", "OpenAI's voices"],
    ["/v1/files", "OpenAI's files"],
    ["/v1/files/file-1/content", "OpenAI's files"],
    ["/v1/batches/batch_1/cancel", "OpenAI's batches"],
    ["/v1/assistants", "OpenAI's assistants"],
    ["/v1/fine_tuning/jobs", "OpenAI's fine-tuning"],
    ["/v1/messages/batches", "Anthropic's batches of messages"],
    ["/moderations", "OpenAI's moderations"],
    ["//v1/v1/Files/", "OpenAI's files"],
    ["/openai/deployments/x/images/edits", "OpenAI's edits of images"],
    ["/openai/v1/batches", "OpenAI's batches"],
    ["/v1/organization/certificates/activate", "OpenAI's certificates"],
    ["/v1/organization/projects/proj_x/model_permissions", "OpenAI's model permissions"],
    ["/v1/organization/projects/proj_x/users/user_x", "OpenAI's members of projects"],
    ["/v1/projects/proj_x/roles/role_x", "OpenAI's roles of projects"],
  ])("is known by its path: %s", (path, part) => {
    const by = path.includes("projects/") || path.includes("organization/") ? "this gateway does not have" : served;
    expect(findUnserved(path)).toEqual({ name: part, by });
  });

  test.each([
    "/v1/audio/speech",
    "/v1/images/generations",
    "/v1/filesystem",
    "/v1/x/files",
    "/control/files",
    "/v1",
    "/",
    "/v1/constructor",
    "/v1/image",
    "/v1/organization",
    "/v1/organization/projects/users",
    "/v1/organization/projects/proj_x/api_keys",
  ])("is none of %s", (path) => expect(findUnserved(path)).toBeNull());

  test("is none that has a route", () => {
    expect(routes.filter(({ path }) => findUnserved(path) !== null)).toEqual([]);
  });
});
