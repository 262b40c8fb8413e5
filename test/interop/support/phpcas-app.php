<?php
// Services on phpCAS, one a folder: /cas1, /cas2, /cas3, /saml, /proxy and /target. Each page says in
// JSON what the library knows of the person. What follows the folder says what the page does.

error_reporting(E_ALL & ~E_DEPRECATED & ~E_USER_DEPRECATED);
require 'CAS.php';

$settings = json_decode(file_get_contents(getenv('PHPCAS_SETTINGS')), true);
[$mode, $action] = array_pad(explode('/', trim(strtok($_SERVER['REQUEST_URI'], '?'), '/')), 2, '');
$versions = [
    'cas1' => CAS_VERSION_1_0,
    'cas2' => CAS_VERSION_2_0,
    'cas3' => CAS_VERSION_3_0,
    'saml' => SAML_VERSION_1_1,
    'proxy' => CAS_VERSION_3_0,
    'target' => CAS_VERSION_3_0,
];
session_name("PHPCAS$mode");

$arguments = [$versions[$mode], $settings['host'], $settings['port'], '/cas', $settings['baseUrl']];
if ($mode === 'proxy') {
    phpCAS::proxy(...$arguments);
    phpCAS::setPGTStorageFile($settings['folder'] . '/pgt');
} else {
    phpCAS::client(...$arguments);
}
if ($mode === 'target') {
    phpCAS::allowProxyChain(new CAS_ProxyChain([$settings['baseUrl'] . '/proxy/']));
}
phpCAS::setCasServerCACert($settings['certificate']);
phpCAS::handleLogoutRequests(true, ['localhost']);

if ($action === 'logout') {
    phpCAS::logoutWithRedirectService($settings['baseUrl'] . "/$mode/bye");
}
if ($action === 'bye' || $action === 'state') {
    $isSignedIn = phpCAS::isSessionAuthenticated();
} elseif ($action === 'open') {
    $isSignedIn = phpCAS::checkAuthentication();
} elseif ($action === 'again') {
    phpCAS::renewAuthentication();
    $isSignedIn = true;
} else {
    phpCAS::forceAuthentication();
    $isSignedIn = true;
}

$facts = ['isSignedIn' => $isSignedIn];
if ($isSignedIn && phpCAS::isAuthenticated()) {
    $facts['user'] = phpCAS::getUser();
    $facts['attributes'] = phpCAS::hasAttributes() ? phpCAS::getAttributes() : [];
    $facts['proxies'] = $mode === 'target' ? phpCAS::getProxies() : [];
    if ($mode === 'proxy' && isset($_GET['target'])) {
        $facts['ticket'] = phpCAS::retrievePT($_GET['target'], $code, $message);
        $facts['problem'] = $message ?? null;
    }
}
header('Content-Type: application/json');
echo json_encode($facts, JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES);
