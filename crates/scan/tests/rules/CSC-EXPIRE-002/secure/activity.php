<?php
session_start();
if (isset($_SESSION['last_activity']) && time() - $_SESSION['last_activity'] > 1800) {
    session_unset();
    session_destroy();
}
$_SESSION['last_activity'] = time();
function login() {
    $user = check($_POST['name'], $_POST['password']);
    session_regenerate_id(true);
    $_SESSION['user_id'] = $user['id'];
}
