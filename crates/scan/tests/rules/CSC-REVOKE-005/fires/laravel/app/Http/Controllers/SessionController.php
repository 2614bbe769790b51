<?php

namespace App\Http\Controllers;

use Illuminate\Support\Facades\DB;

class SessionController extends Controller
{
    public function index(Request $request)
    {
        return view('account.sessions', [
            'sessions' => DB::table('sessions')->where('user_id', $request->user()->id)->get(),
        ]);
    }

    public function destroy(Request $request, string $id)
    {
        DB::table('sessions')->where('id', $id)->delete();
        return redirect('/account/profile')->with('status', 'The session of this user was ended.');
    }
}
