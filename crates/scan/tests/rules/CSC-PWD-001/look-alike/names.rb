class UsersController < ApplicationController
  # @user.update(params.permit(:password))
  def update
    @user.update(params.permit(:name, :time_zone))
    redirect_to root_path, notice: "password"
  end

  def create
    session[:user_id] = User.authenticate_by(params.permit(:email, :password)).id
  end
end
