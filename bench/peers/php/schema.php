<?php
// The older servers' schema, with its five indexes on the day's table, before the first request.

$database = new PDO('sqlite:' . getenv('PEER_DATABASE'));
$database->exec('PRAGMA journal_mode = WAL');
$columns = 'username VARCHAR(50) NOT NULL, action CHAR(1) NOT NULL CHECK (action IN (\'C\', \'D\', \'M\')),
    timestamp DATETIME NOT NULL, hostname VARCHAR(100), source_ip VARCHAR(45),
    server_timestamp DATETIME DEFAULT CURRENT_TIMESTAMP, os_name VARCHAR(50), os_version VARCHAR(100),
    kernel_version VARCHAR(50), hardware_info TEXT, session_uuid VARCHAR(100),
    created_at DATETIME DEFAULT CURRENT_TIMESTAMP';
foreach (['events_today', 'events_history'] as $table) {
    $database->exec("CREATE TABLE IF NOT EXISTS $table (id INTEGER PRIMARY KEY AUTOINCREMENT, $columns)");
}
$indexes = [
    'username_action' => 'username, action',
    'timestamp' => 'timestamp',
    'hostname' => 'hostname',
    'session' => 'session_uuid',
    'action_time' => 'action, timestamp',
];
foreach ($indexes as $name => $on) {
    $database->exec("CREATE INDEX IF NOT EXISTS idx_today_$name ON events_today($on)");
}
$database->exec('CREATE INDEX IF NOT EXISTS idx_history_timestamp ON events_history(timestamp)');
