export { keepAnswer } from "./keep.ts";
export { openRecall } from "./recall.ts";
export { openRetentionSwitch, tendStorage, type RetentionTerms } from "./retention.ts";
export { openMasterKeys, type MasterKeys } from "./sealing.ts";
export { openResponseStorage, type ResponseStorage } from "./storage.ts";
export { answerStored, type StoredTask } from "./stored.ts";
