<?php
// PHP as the older PHP server worked: one file, PDO, open sessions searched by SQL in the older schema, WAL.
// It knows no retries: neither did the older servers, and it is spared the look-up.

declare(strict_types=1);

function answer(int $status, array $body, array $headers = []): never
{
    $text = json_encode($body, JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE);
    http_response_code($status);
    header('Content-Type: application/json');
    header('Content-Length: ' . strlen($text));
    foreach ($headers as $line) {
        header($line);
    }
    echo $text;
    exit;
}

/** The fields that are wrong, each with what is wrong. */
function faults(array $event): array
{
    $faults = [];
    foreach (['username' => 256, 'action' => PHP_INT_MAX, 'timestamp' => PHP_INT_MAX] as $field => $limit) {
        $value = $event[$field] ?? null;
        if (!is_string($value)) {
            $faults[$field] = 'must be a string';
        } elseif ($value === '' || mb_length($value) > $limit) {
            $faults[$field] = 'is empty or too long';
        }
    }
    $optional = ['hostname' => [$event['hostname'] ?? null, 255]];
    $system = $event['os_info'] ?? [];
    if (!is_array($system)) {
        return $faults + ['os_info' => 'must be an object or null'];
    }
    foreach (['os_name', 'os_version', 'kernel_version'] as $field) {
        $optional["os_info.$field"] = [$system[$field] ?? null, 256];
    }
    foreach ($optional as $field => [$value, $limit]) {
        if ($value !== null && (!is_string($value) || mb_length($value) > $limit)) {
            $faults[$field] = "must be a string of at most $limit characters or null";
        }
    }
    foreach (['username', 'hostname'] as $field) {
        if (is_string($event[$field] ?? null) && preg_match('/[\x{0}-\x{1f}\x{7f}-\x{9f}]/u', $event[$field])) {
            $faults[$field] = 'must not hold control characters';
        }
    }
    return $faults;
}

/** Characters, without the mbstring extension. */
function mb_length(string $text): int
{
    return strlen($text) - preg_match_all('/[\x80-\xbf]/', $text);
}

/** The form that is stored, or null: as it came when it is UTC already, else rewritten to UTC, digits kept. */
function stored_form(string $text): ?string
{
    $form = '/^(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:)(\d\d)(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/D';
    if (strlen($text) > 64 || !preg_match($form, $text, $part)) {
        return null;
    }
    $moment = DateTimeImmutable::createFromFormat('!Y-m-d H:i:sP', "$part[1] $part[2]" . min($part[3], '59') . $part[5]);
    $errors = DateTimeImmutable::getLastErrors();
    if (!$moment || ($errors && $errors['warning_count']) || $part[3] > '60') {
        return null;
    }
    $moment = $moment->setTimezone(new DateTimeZone('UTC'));
    if ($moment->format('Y') < '1970' || $moment->format('Y') > '9998') {
        return null;
    }
    if ($text[10] === 'T' && ($part[5] === 'Z' || $part[5] === '+00:00')) {
        return $text;
    }
    return $moment->format('Y-m-d\TH:i:') . $part[3] . $part[4] . '+00:00';
}

function one_second_before(string $stored): string
{
    $moment = new DateTimeImmutable(substr_replace($stored, min(substr($stored, 17, 2), '59'), 17, 2));
    preg_match('/\.\d+/', $stored, $fraction);
    return $moment->modify('-1 second')->format('Y-m-d\TH:i:s') . ($fraction[0] ?? '') . '+00:00';
}

function database(): PDO
{
    $database = new PDO('sqlite:' . getenv('PEER_DATABASE'), null, null, [
        PDO::ATTR_PERSISTENT => true, // the worker keeps its connection
        PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION,
        PDO::ATTR_TIMEOUT => 25,
    ]);
    $database->exec('PRAGMA synchronous = ' . getenv('PEER_SYNCHRONOUS'));
    $database->exec('PRAGMA cache_size = 10000');
    return $database;
}

function store(PDO $database, array $event, string $timestamp, string $address): array
{
    $host = ($event['hostname'] ?? '') === '' ? null : $event['hostname'];
    $named = $host ?? 'unknown';
    $system = $event['os_info'] ?? [];
    $os = [$system['os_name'] ?? null, $system['os_version'] ?? null, $system['kernel_version'] ?? null];
    $now = (new DateTimeImmutable('now', new DateTimeZone('UTC')))->format('Y-m-d\TH:i:s.uP');
    $user = $event['username'];
    $insert = $database->prepare('INSERT INTO events_today (username, action, timestamp, hostname, source_ip,
        server_timestamp, os_name, os_version, kernel_version, hardware_info, session_uuid)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)');
    $find = $database->prepare("SELECT session_uuid, timestamp FROM events_today c
        WHERE username = ? AND action = 'C' AND coalesce(hostname, 'unknown') = ? AND NOT EXISTS
            (SELECT 1 FROM events_today d WHERE d.session_uuid = c.session_uuid AND d.action = 'D')
        ORDER BY timestamp DESC");
    $digits = substr(md5($user . $named . substr($timestamp, 0, 10) . hrtime(true) . getmypid()), 0, 6);
    $uuid = "$user@$named@$digits";

    $database->exec('BEGIN IMMEDIATE');
    if ($event['action'] === 'C') {
        $find->execute([$user, $named]);
        foreach ($find->fetchAll(PDO::FETCH_NUM) as [$open, $since]) {
            $ended = max(one_second_before($timestamp), $since);
            $insert->execute([$user, 'D', $ended, $host, $address, $now, ...$os, null, $open]);
        }
    } elseif ($event['action'] === 'D') {
        $find->execute([$user, $named]);
        $open = $find->fetchColumn();
        $find->closeCursor();
        $uuid = $open === false ? "orphan_$uuid" : $open;
    } else {
        $uuid = "hardware_$uuid";
    }
    $hardware = isset($event['hardware_info'])
        ? json_encode($event['hardware_info'], JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE) : null;
    $insert->execute([$user, $event['action'], $timestamp, $host, $address, $now, ...$os, $hardware, $uuid]);
    $id = (int) $database->lastInsertId();
    $database->exec('COMMIT');
    return [$id, $uuid];
}

$path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);
if ($path === '/health') {
    answer(200, ['status' => 'ok', 'service' => 'winlog-server', 'version' => '1.0.0']);
}
if ($path !== '/api/v1/events') {
    answer(404, ['error' => 'Not found']);
}
if ($_SERVER['REQUEST_METHOD'] !== 'POST') {
    answer(405, ['error' => 'Method not allowed', 'expected' => 'POST'], ['Allow: POST']);
}
if (!str_starts_with($_SERVER['HTTP_USER_AGENT'] ?? '', 'Winlog/0.1.0')) {
    answer(403, ['error' => 'Invalid User-Agent']);
}
if (strtolower(trim(explode(';', $_SERVER['CONTENT_TYPE'] ?? '')[0])) !== 'application/json') {
    answer(415, ['error' => 'Invalid Content-Type', 'expected' => 'application/json']);
}
$body = file_get_contents('php://input');
if ($body === '') {
    answer(400, ['error' => 'Empty request body']);
}
$event = json_decode($body, true);
if (json_last_error() !== JSON_ERROR_NONE) {
    answer(400, ['error' => 'Invalid JSON', 'details' => json_last_error_msg()]);
}
$structure = 'Invalid JSON structure: missing required fields';
if (!is_array($event)) {
    answer(400, ['error' => $structure, 'details' => ['body' => 'must be a JSON object']]);
}
if ($faults = faults($event)) {
    answer(400, ['error' => $structure, 'details' => $faults]);
}
if (!in_array($event['action'], ['C', 'D', 'M'], true)) {
    answer(400, ['error' => "Invalid action: {$event['action']}"]);
}
$timestamp = stored_form($event['timestamp']);
if ($timestamp === null) {
    answer(400, ['error' => 'Invalid timestamp format (expected ISO 8601)']);
}
$forwarded = $_SERVER['HTTP_CF_CONNECTING_IP'] ?? explode(',', $_SERVER['HTTP_X_FORWARDED_FOR'] ?? '')[0];
try {
    $database = database();
    [$id, $uuid] = store($database, $event, $timestamp, trim($forwarded) ?: $_SERVER['REMOTE_ADDR']);
} catch (PDOException $error) {
    error_log('event not stored: ' . $error->getMessage());
    // A persistent connection outlives the request, and so would its transaction.
    try {
        isset($database) && $database->exec('ROLLBACK');
    } catch (PDOException) {
    }
    answer(503, ['error' => 'Database error'], ['Retry-After: 1']);
}
if (getenv('PEER_LOG_LEVEL') === 'info') {
    error_log("event stored id=$id action={$event['action']} session=$uuid");
}
answer(200, [
    'status' => 'success',
    'message' => 'Data stored in database',
    'event_id' => $id,
    'session_uuid' => $uuid,
    'action' => $event['action'],
    'username' => $event['username'],
]);
