<?php
// The sign-in modules of Open eClass as far as an identity provider sees them: the same requests with
// the same parameters, and the same things read from the answers. Settings are named as on its
// administration pages. What it would keep of the person is printed as JSON.

$settings = json_decode(file_get_contents(getenv('ECLASS_SETTINGS')), true);
$urlServer = $settings['urlServer'];
[$module] = sscanf(strtok($_SERVER['REQUEST_URI'], '?'), '/modules/auth/%[a-z0-9].php');
session_name('ECLASS');
session_save_path($settings['folder']);
session_start();
header('Content-Type: application/json');

/** Anything but 200 is an error to HybridAuth. */
function request(string $method, string $url, array $headers, ?array $fields = null): array
{
    $lines = array_map(fn ($name) => "$name: {$headers[$name]}", array_keys($headers));
    if ($fields !== null) {
        $lines[] = 'Content-Type: application/x-www-form-urlencoded';
    }
    $context = stream_context_create(['http' => [
        'method' => $method,
        'header' => $lines,
        'content' => $fields === null ? '' : http_build_query($fields),
        'ignore_errors' => true,
    ]]);
    $body = file_get_contents($url, false, $context);
    if (!str_contains($http_response_header[0], ' 200')) {
        http_response_code(500);
        exit(json_encode(['failed' => $url, 'status' => $http_response_header[0], 'body' => $body]));
    }
    return json_decode($body, true, flags: JSON_THROW_ON_ERROR);
}

/** HybridAuth's OAuth 2.0: there, back, and the code for an access token. */
function authenticate(array $endpoints, string $scope, array $fields, array $headers, array $keys): array
{
    if (!isset($_GET['code']) && !isset($_GET['error'])) {
        $_SESSION['state'] = 'HA-' . str_shuffle('ABCDEFGHIJKLMNOPQRSTUVWXYZ1234567890');
        $query = [
            'response_type' => 'code',
            'client_id' => $keys['id'],
            'redirect_uri' => $keys['callback'],
            'scope' => $scope,
            'state' => $_SESSION['state'],
        ];
        header('Location: ' . $endpoints['authorize'] . '?' . http_build_query($query, '', '&'), true, 302);
        exit;
    }
    if (isset($_GET['error'])) {
        exit(json_encode(['error' => $_GET['error']]));
    }
    if (($_GET['state'] ?? '') !== ($_SESSION['state'] ?? null)) {
        http_response_code(400);
        exit(json_encode(['error' => 'The authorization state is either invalid or has been used.']));
    }
    unset($_SESSION['state']);
    $tokens = request('POST', $endpoints['token'], $headers, $fields + ['code' => $_GET['code']]);
    if (!isset($tokens['access_token'])) {
        exit(json_encode(['error' => 'Provider returned no access_token']));
    }
    return $tokens;
}

function oauth2(array $settings, string $urlServer): array
{
    $url = rtrim($settings['apiBaseUrl'], '/');
    $keys = $settings + ['callback' => "{$urlServer}modules/auth/oauth2.php"];
    $tokens = authenticate(
        ['authorize' => $url . $settings['authorizePath'], 'token' => $url . $settings['accessTokenPath']],
        '',
        ['client_id' => $keys['id'], 'grant_type' => 'authorization_code', 'redirect_uri' => $keys['callback']],
        ['Authorization' => 'Basic ' . base64_encode("{$keys['id']}:{$keys['secret']}")],
        $keys,
    );
    $profile = request('GET', "$url/" . ltrim($settings['profileMethod'], '/'), [
        'Authorization' => "Bearer {$tokens['access_token']}",
    ]);
    // Attribute names are compared without case, and of several values the first counts.
    $attributes = [];
    foreach ($profile['attributes'] as $name => $value) {
        $attributes[strtolower($name)] = is_array($value) ? $value[0] : $value;
    }
    $read = fn (string $setting) => $attributes[strtolower($settings[$setting])] ?? null;
    return [
        'auth_id' => $profile['id'],
        'auth_email' => $read('casusermailattr'),
        'auth_givenname' => $read('casuserfirstattr'),
        'auth_surname' => $read('casuserlastattr'),
        'auth_studentid' => $read('casuserstudentid'),
    ];
}

function keycloak(array $settings, string $urlServer): array
{
    $url = "{$settings['apiBaseUrl']}/realms/{$settings['realm']}/protocol/openid-connect/";
    $keys = $settings + ['callback' => "{$urlServer}modules/auth/keycloak.php"];
    $tokens = authenticate(
        ['authorize' => "{$url}auth", 'token' => "{$url}token"],
        'openid profile email',
        [
            'client_id' => $keys['id'],
            'client_secret' => $keys['secret'],
            'grant_type' => 'authorization_code',
            'redirect_uri' => $keys['callback'],
        ],
        [],
        $keys,
    );
    $_SESSION['keycloak_session_id_token'] = $tokens['id_token'] ?? null;
    $profile = request('GET', "{$url}userinfo", ['Authorization' => "Bearer {$tokens['access_token']}"]);
    if (!isset($profile['sub'])) {
        exit(json_encode(['error' => 'Provider API returned an unexpected response.']));
    }
    return [
        'keycloak_uname' => $profile[$settings['uid_attr'] ?: 'preferred_username'] ?? null,
        'auth_studentid' => $settings['userstudentid'] ? $profile[$settings['userstudentid']] ?? null : null,
        'auth_email' => $profile['email'] ?? null,
        'auth_surname' => $profile['family_name'] ?? null,
        'auth_givenname' => $profile['given_name'] ?? null,
        'auth_verified_mail' => $profile['email_verified'] ?? null,
    ];
}

function logout(array $settings): never
{
    $query = http_build_query([
        'client_id' => $settings['id'],
        'id_token_hint' => $_SESSION['keycloak_session_id_token'],
    ]);
    session_destroy();
    header("Location: {$settings['end_session_endpoint']}?$query", true, 303);
    exit;
}

echo json_encode(match ($module) {
    'oauth2' => oauth2($settings['oauth2'], $urlServer),
    'keycloak' => keycloak($settings['keycloak'], $urlServer),
    'logout' => logout($settings['keycloak']),
    default => ['module' => $module],
}, JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES);
