-- Make the events of bench/events.py for wrk: C and D in turn over 5 000 pairs, each with a timestamp of its own.
-- BENCH_FIRST is the number of the first event. Thus two loads on one database have different events.
-- At the end, print one line for the program that started wrk: BENCH and then JSON, with times in microseconds.

local PAIRS = 5000
local number = tonumber(os.getenv("BENCH_FIRST") or "0")

-- The events of a pair differ in the timestamp's fraction only, so the rest is made once. All bodies have one length,
-- because every part has a fixed width.
local before, after = {}, {}
for turn = 0, 2 * PAIRS - 1 do
  local pair, action = math.floor(turn / 2), (turn % 2 == 0) and "C" or "D"
  local host = string.format("A%03d-%02d", math.floor(pair / 100), pair % 100)
  local body_before = string.format('{"username":"user%05d","action":"%s","timestamp":"2026-01-13T08:30:00.', pair, action)
  local body_after = string.format('+00:00","hostname":"%s","os_info":{"username":"user%05d","hostname":"%s",'
    .. '"os_name":"Windows","os_version":"11 (26100)","kernel_version":"26100"},"hardware_info":null}', host, pair, host)
  before[turn] = "POST /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1:3000\r\nContent-Type: application/json\r\n"
    .. "User-Agent: Winlog/0.1.0\r\nContent-Length: " .. (#body_before + 9 + #body_after) .. "\r\n\r\n" .. body_before
  after[turn] = body_after
end

request = function()
  local turn = number % (2 * PAIRS)
  local text = before[turn] .. string.format("%09d", number) .. after[turn]
  number = number + 1
  return text
end

done = function(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    'BENCH {"requests":%d,"duration_us":%d,"refused":%d,"failed":%d,"p50_us":%d,"p99_us":%d,"max_us":%d}\n',
    summary.requests, summary.duration, errors.status, errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50), latency:percentile(99), latency.max))
end
