<?php

use Illuminate\Support\Facades\DB;
use Illuminate\Support\Facades\Route;

const MAX = 3;

Route::post('/login', function (Request $request) {
    Auth::attempt($request->only('email', 'password')) || abort(401);
    $ids = DB::table('sessions')->where('user_id', Auth::id())->orderBy('last_activity')->pluck('id');
    if ($ids->count() > MAX) {
        DB::table('sessions')->where('id', $ids->first())->delete();
    }
    return redirect('/');
});
