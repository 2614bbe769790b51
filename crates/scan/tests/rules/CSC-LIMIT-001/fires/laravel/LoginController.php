<?php

namespace App\Http\Controllers;

use Illuminate\Http\Request;
use Illuminate\Support\Facades\Auth;
use Illuminate\Support\Facades\DB;

class LoginController extends Controller
{
    private const PAGE = 20;

    public function store(Request $request)
    {
        return Auth::attempt($request->only('email', 'password')) ? redirect('/') : back();
    }

    public function index(Request $request)
    {
        return DB::table('sessions')
            ->where('user_id', Auth::id())
            ->orderByDesc('last_activity')
            ->skip(self::PAGE * $request->integer('page'))
            ->take(self::PAGE)
            ->get();
    }
}
