<?php

use App\Http\Controllers\LoginController;
use App\Http\Controllers\NoteController;
use App\Http\Controllers\SessionController;

Route::post('/login', [LoginController::class, 'store']);
Route::get('/account/sessions', [SessionController::class, 'index']);
Route::delete('/account/sessions/{id}', [SessionController::class, 'destroy']);
Route::delete('/notes/{id}', [NoteController::class, 'destroy']);
