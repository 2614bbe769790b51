<?php

namespace App\Http\Controllers;

use Illuminate\Http\Request;
use Illuminate\Support\Facades\Auth;
use Illuminate\Support\Facades\DB;

class LoginController extends Controller
{
    private const MAX = 5;

    public function store(Request $request)
    {
        if (! Auth::attempt($request->only('email', 'password'))) {
            return back();
        }
        $surplus = DB::table('sessions')
            ->where('user_id', Auth::id())
            ->orderByDesc('last_activity')
            ->skip(self::MAX - 1)
            ->take(1000)
            ->pluck('id');
        DB::table('sessions')->whereIn('id', $surplus)->delete();

        return redirect('/');
    }
}
