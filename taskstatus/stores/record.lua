-- Records one change of one task: guard, version, write, log, tell. One atomic step.
--
-- KEYS  1 the task's record (hash), 2 its log (stream)
-- ARGV  1 state, 2 owner, 3 the worker's lease, 4 pub/sub channel of the group or "", 5 the message's
--       envelope, 6 all else in one string, since each argument costs the caller as much as this.
-- In it, each followed by a 31, which JSON never holds as it is: kind ("status", "log", "mark": fields
-- change, the state stays, or "again": a status if there is no record), the change's key or "", rank,
-- attempt, run, the run's age in µs, next attempt ("-" for a change that does not open the task for
-- one), ready, interim, has_base (0 or 1), seconds and messages to keep, task id and state as JSON,
-- body of a log line, then field, fragment, ...
-- Gives "version, version before it, 1 when the task is asked to stop else 0, JSON", with a blank
-- between: a caller reads one string faster than four. Or one word, when the change comes too late
-- ("stale"), was taken before ("repeated"), or there is no record for it to change ("missing").

local record, log = KEYS[1], KEYS[2]
local state, owner, worker, channel, envelope = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local kind, key, rank_text, attempt_text, run_text, age, next_attempt, ready, interim, has_base, keep_seconds,
  keep_messages, task_id, state_json, body, first_field
  = string.match(ARGV[6], '^' .. string.rep('([^\31]*)\31', 15) .. '()')
local f, write = {}, {}
for field, fragment in string.gmatch(string.sub(ARGV[6], first_field), '([^\31]*)\31([^\31]*)\31') do
  f[field] = fragment
  write[#write + 1] = field
  write[#write + 1] = fragment
end
local attempt, run = tonumber(attempt_text), tonumber(run_text)
interim = interim == '1'
local opens = next_attempt ~= '-'

local was = redis.call('HMGET', record, 'version', 'state', 'rank', 'attempt', 'run', 'ready', 'interim', 'json', 'status_version', 'cancel', 'began', 'keys')
local previous, began_text = was[1] or '0', was[11] or '0'
local prev = tonumber(previous)
local is_log, is_mark = kind == 'log', kind == 'mark'

-- Versions come from Redis's clock, so that they go on growing after a FLUSHALL or a failover, and
-- never stand still or go back when the clock does. By the same clock it is told which run is newer:
-- those of the workers may be hours apart.
local time = redis.call('TIME')
local number = math.max(prev + 1, time[1] * 1000000 + time[2])
local version = string.format('%.0f', number)
local own = attempt == tonumber(was[4]) and run == tonumber(was[5])
local began = run == 0 and 0 or number - tonumber(age)

-- The guard. stores/memory.py holds the same rules, and says why.
local keys = was[12] or ';'
if key ~= '' and string.find(keys, ';' .. key .. ';', 1, true) then return 'repeated' end
if prev == 0 then
  if has_base == '1' or is_log or is_mark then return 'missing' end
else
  local was_rank, was_attempt = tonumber(was[3]), tonumber(was[4])
  local newer = attempt > was_attempt or (attempt == was_attempt and not own and began > tonumber(began_text))
  local accept
  if kind == 'again' then
    accept = false
  elseif was[6] == '1' then
    accept = state == 'STARTED' and newer and (was[2] == 'FAILURE' or was[2] == 'REVOKED')
  elseif is_mark then
    accept = was[2] == state and redis.call('HGET', record, write[1]) ~= write[2]
  elseif is_log or state == 'SUCCESS' then
    accept = true
  elseif opens and (own or run == 0) then
    accept = own or tonumber(next_attempt) > was_attempt
  elseif own or run == 0 then
    accept = tonumber(rank_text) >= was_rank
  else
    accept = newer
  end
  if not accept then return 'stale' end
end

-- The keys of the last eight changes or so; each has at most 18 characters and a semicolon.
if key ~= '' then keys = string.sub(';' .. key .. keys, 1, 160) end

local function append(at, of_kind, of_state, json)
  local excess = redis.call('XLEN', log) + 1 - tonumber(keep_messages)
  if excess > 0 then
    local oldest = redis.call('XRANGE', log, '-', '+', 'COUNT', excess)
    for _, entry in ipairs(oldest) do redis.call('XDEL', log, entry[1]) end
    if #oldest > 0 then
      redis.call('HSET', record, 'floor', string.match(oldest[#oldest][1], '^%d+'))
    end
  end
  redis.call('XADD', log, at .. '-0', 'k', of_kind, 's', of_state, 'j', json)
end

-- An interim status is not in the log while a newer one may stand for it; once something else
-- follows, it is.
if was[7] == '1' and not (interim and was[2] == state) then
  append(was[9], 'status', was[2], was[8])
end

local json
if is_log then
  json = '{"type":"log","task_id":' .. task_id .. ',"cursor":"' .. version .. '","version":' .. version .. ',' .. body
  redis.call('HSET', record, 'version', version, 'interim', '0', 'keys', keys)
else
  local kept = redis.call('HMGET', record, 'name', 'progress', 'result', 'result_omitted', 'error', 'error_type', 'retries', 'stalled', 'created_at', 'started_at', 'updated_at', 'finished_at', 'parent_id', 'root_id', 'group_id')
  local omitted = f.result_omitted or kept[4] or ''
  json = '{"type":"status","task_id":' .. task_id .. ',"name":' .. (f.name or kept[1] or 'null')
    .. ',"state":' .. state_json .. ',"ready":' .. (ready == '1' and 'true' or 'false')
    .. ',"cursor":"' .. version .. '","version":' .. version
    .. ',"progress":' .. (f.progress or kept[2] or 'null')
    .. ',"result":' .. (f.result or kept[3] or 'null')
    .. (omitted ~= '' and ',"result_omitted":' .. omitted or '')
    .. ',"error":' .. (f.error or kept[5] or 'null')
    .. ',"error_type":' .. (f.error_type or kept[6] or 'null')
    .. ',"retries":' .. (f.retries or kept[7] or '0')
    .. ',"stalled":' .. (f.stalled or kept[8] or 'false')
    .. ',"created_at":' .. (f.created_at or kept[9] or 'null')
    .. ',"started_at":' .. (f.started_at or kept[10] or 'null')
    .. ',"updated_at":' .. (f.updated_at or kept[11] or 'null')
    .. ',"finished_at":' .. (f.finished_at or kept[12] or 'null')
    .. ',"parent_id":' .. (f.parent_id or kept[13] or 'null')
    .. ',"root_id":' .. (f.root_id or kept[14] or 'null')
    .. ',"group_id":' .. (f.group_id or kept[15] or 'null') .. '}'
  -- A change that opens the task for its next run leaves it to whoever begins that one.
  if owner ~= '' then
    write[#write + 1] = 'owner'
    write[#write + 1] = owner
  end
  if worker ~= '' then
    write[#write + 1] = 'worker'
    write[#write + 1] = worker
  end
  if was[6] == '1' then redis.call('HDEL', record, 'cancel') end
  if prev == 0 then
    write[#write + 1] = 'floor'
    write[#write + 1] = version
  end
  redis.call('HSET', record, 'version', version, 'status_version', version, 'state', state,
    'rank', is_mark and was[3] or (opens and '0' or rank_text),
    'attempt', opens and next_attempt or (run == 0 and was[4] or attempt_text),
    'run', opens and '0' or (run == 0 and was[5] or run_text),
    'began', opens and '0' or ((own or run == 0) and began_text or string.format('%.0f', began)),
    'ready', ready, 'interim', interim and '1' or '0', 'json', json, 'keys', keys, unpack(write))
end
if not interim then append(version, is_log and 'log' or 'status', state, json) end
redis.call('EXPIRE', record, keep_seconds)
redis.call('EXPIRE', log, keep_seconds)

if channel ~= '' then
  -- The rest of the envelope in MessagePack: two short strings and a long one.
  local function short(s) return string.char(160 + #s) .. s end
  local size = #json
  redis.call('PUBLISH', channel, envelope .. short('version') .. short(version)
    .. short('prev') .. short(previous) .. short('json') .. string.char(219,
      math.floor(size / 16777216) % 256, math.floor(size / 65536) % 256,
      math.floor(size / 256) % 256, size % 256) .. json)
end
return version .. ' ' .. previous .. ' ' .. (was[6] ~= '1' and was[10] or '0') .. ' ' .. json
