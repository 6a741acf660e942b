-- What every part uses, created once and not in each run.
local floor, ceil, min, max, huge = math.floor, math.ceil, math.min, math.max, math.huge
local format, match, gmatch, find = string.format, string.match, string.gmatch, string.find
local sub, byte, concat = string.sub, string.byte, table.concat
local call = redis.call
