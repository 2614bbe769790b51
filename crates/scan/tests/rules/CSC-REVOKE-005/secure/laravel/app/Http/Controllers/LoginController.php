<?php

namespace App\Http\Controllers;

use Illuminate\Http\Request;

class LoginController extends Controller
{
    public function store(Request $request)
    {
        if (!Auth::attempt($request->only('email', 'password'))) abort(401);
        $request->session()->regenerate();
        return redirect('/');
    }

    public function destroy(Request $request)
    {
        Auth::logout();
        return redirect('/login');
    }
}
